// The converter debug: shows what passes through a chain. configuration.txt 7.3.1.
//
//   [debug] prefix: type=str <value>
//
// It goes to standard output or standard error, at once and without waiting: a line that does not fit into the pipe is lost. HAProxy's event
// ring `buf0`, the default there, is standard error here.

import { writeSync } from "node:fs";
import { toStr } from "../cast.ts";
import { TYPE } from "../types.ts";
import { SampleValue } from "../value.ts";
import { type ArgumentCheck, textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";

const STDOUT = 1;
const STDERR = 2;
const NAMES: readonly string[] = Object.keys(TYPE);

const debug: ConverterCompiler = (_, args) => {
  const prefix = textArgument(args, 0) || "debug";
  const fd = textArgument(args, 1) === "stdout" ? STDOUT : STDERR;
  const shown = new SampleValue(0);
  return (value) => {
    shown.take(value);
    const text = toStr(shown) ? shown.text() : "";
    const line = Buffer.from(`[debug] ${prefix}: type=${NAMES[value.type]} <${text}>\n`, "latin1");
    try {
      writeSync(fd, line);
    } catch {
      // Nobody reads, or not fast enough: debugging must not stop traffic.
    }
    return true;
  };
};

/** `debug(prefix,destination)`. */
export const checkDebug: ArgumentCheck = (args) => {
  const destination = textArgument(args, 1);
  if (destination === "" || destination === "stdout" || destination === "stderr" || destination === "buf0") return null;
  return `no such sink '${destination}': stdout and stderr are served`;
};

/** By name, see converters.table.ts. */
export const DEBUG_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = { debug };
