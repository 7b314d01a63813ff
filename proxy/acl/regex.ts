// What a regular expression may cost.
//
// V8's backtracking engine runs them, which is fast on ordinary patterns; a pattern that backtracks 50 000 times on one input is handed to
// V8's breadth-first engine, which takes time linear in the input. Both flags are V8's own and set here, once per process, before any
// pattern is compiled: who compiles patterns imports this file. The linear engine does not know look-around, back references and large
// counted repetitions: patterns with these stay with backtracking, those among them that repeat what repeats within a time limit
// (bounded-regex.ts).

import { setFlagsFromString } from "node:v8";

setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
setFlagsFromString("--enable-experimental-regexp-engine");

/** Whether V8's linear-time engine can run a translated pattern. */
export function isLinear(source: string): boolean {
  try {
    new RegExp(source, "l");
    return true;
  } catch {
    // The flag's only complaint about a pattern that compiles without it is that the engine cannot run it.
    return false;
  }
}
