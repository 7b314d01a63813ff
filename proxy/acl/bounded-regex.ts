// Regular expressions that no engine of ours can bound by itself.
//
// What V8's linear engine knows costs linear time whatever the input (regex.ts). Look-around, back references and large counts it does not
// know; where such an expression also repeats what repeats or chooses, `(a+)+\1`, some input makes a backtracking engine try exponentially
// many ways. HAProxy bounds these by PCRE2's match limit, and a match beyond it is none. Here it is time: V8 looks for interrupts while it
// backtracks, and `vm` sends one after LIMIT_MS. That costs some ten microseconds a match, so only these expressions pay it. The interrupt goes
// by the clock on the wall: a thread that was kept waiting for a processor tries again, or a busy machine would make misses of matches.

import { createContext, Script } from "node:vm";
import { CLOCK_THREAD_CPUTIME_ID, clockGettime } from "../../shared/ffi/time.ts";
import { isLinear } from "./regex.ts";

/** Longest time of one match; what takes longer is no match. */
const LIMIT_MS = 10;
/** Of processor time; with less used, the match was only kept waiting and gets another try with twice the time. */
const USED_MS = LIMIT_MS * 0.8;
const LONGEST_TRY_MS = 320;
/** A count from which on repeating is as bad as without end. */
const COUNT_MIN = 10;

interface Sandbox {
  expression: RegExp;
  text: string;
}

const script = new Script("expression.exec(text)");
const timespec = new Int32Array(4);

/** Processor time of this thread. */
function threadMs(): number {
  clockGettime(CLOCK_THREAD_CPUTIME_ID, timespec);
  return timespec[0]! * 1e3 + timespec[2]! / 1e6;
}

/** A RegExp whose every match ends in bounded time. */
class BoundedRegExp extends RegExp {
  readonly #sandbox: Sandbox;

  constructor(source: string, flags: string) {
    super(source, flags);
    this.#sandbox = createContext({ expression: new RegExp(source, flags), text: "" }) as unknown as Sandbox;
    // What is compiled with the first match shall not be counted as its time.
    script.runInContext(this.#sandbox as never);
  }

  override exec(text: string): RegExpExecArray | null {
    const sandbox = this.#sandbox;
    sandbox.text = text;
    let found: RegExpExecArray | null = null;
    for (let timeout = LIMIT_MS; ; timeout *= 2) {
      const beginMs = threadMs();
      sandbox.expression.lastIndex = this.lastIndex;
      try {
        found = script.runInContext(sandbox as never, { timeout }) as RegExpExecArray | null;
        this.lastIndex = sandbox.expression.lastIndex;
        break;
      } catch {
        if (timeout < LONGEST_TRY_MS && threadMs() - beginMs < USED_MS) continue;
        this.lastIndex = 0;
        break;
      }
    }
    sandbox.text = "";
    return found;
  }
}

/** Compiles a translated pattern so that no input makes it cost more than linear time, or LIMIT_MS. */
export function compileBounded(source: string, flags: string): RegExp {
  return repeatsWhatVaries(source) && !isLinear(source) ? new BoundedRegExp(source, flags) : new RegExp(source, flags);
}

/** Whether a group that repeats or chooses inside is repeated as a whole. */
export function repeatsWhatVaries(source: string): boolean {
  /** Per open group: something in it repeats or is a choice. */
  const varies: boolean[] = [false];
  let inClass = false;
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (character === "\\") at++;
    else if (inClass) inClass = character !== "]";
    else if (character === "[") inClass = true;
    else if (character === "(") {
      varies.push(false);
      // The mark behind it says what kind of group it is.
      if (source[at + 1] === "?") at++;
    } else if (character === ")") {
      const inner = varies.pop() ?? false;
      if (inner && repeats(source, at + 1)) return true;
      if (inner) varies[varies.length - 1] = true;
    } else if (character === "|" || character === "*" || character === "+" || character === "?" || character === "{")
      varies[varies.length - 1] = true;
  }
  return false;
}

/** Whether a quantifier at `at` repeats many times. */
function repeats(source: string, at: number): boolean {
  if (source[at] === "*" || source[at] === "+") return true;
  const count = /^\{(\d+)(,(\d*))?\}/.exec(source.slice(at, at + 16));
  if (count === null) return false;
  const most = count[2] === undefined ? count[1]! : count[3]!;
  return most === "" || Number(most) >= COUNT_MIN;
}
