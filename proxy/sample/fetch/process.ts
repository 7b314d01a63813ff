// Fetches of the process: its time, environment, names and numbers, and random values. configuration.txt 7.3.2.

import { randomFillSync } from "node:crypto";
import { hostname } from "node:os";
import { HEADER } from "../../shared-state/layout.ts";
import { TYPE } from "../types.ts";
import { type SampleValue, textBytes } from "../value.ts";
import { type Fetch, type FetchCompiler, integerArgument, single, stringArgument } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;
const SINT = TYPE.sint;
const UINT32 = 4294967296;

/** Microseconds since the epoch. */
function microseconds(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}

function integer(value: SampleValue, read: () => number): Fetch {
  return single(() => {
    value.type = SINT;
    value.int = read();
    return PASS;
  });
}

function bytesFetch(value: SampleValue, type: number, bytes: Uint8Array): Fetch {
  return single(() => {
    value.type = type;
    value.bytes = bytes;
    value.start = 0;
    value.end = bytes.length;
    return PASS;
  });
}

/** `date([offset],[unit])`: seconds, or what the unit says; the offset is of the same unit. */
const date: FetchCompiler = ({ value }, plan) => {
  const offset = integerArgument(plan, 0, 0);
  const unit = stringArgument(plan, 1);
  if (unit === "us") return integer(value, () => microseconds() + offset);
  if (unit === "ms") return integer(value, () => Date.now() + offset);
  return integer(value, () => Math.floor(Date.now() / 1000) + offset);
};

const rand: FetchCompiler = ({ value }, plan) => {
  const range = integerArgument(plan, 0, UINT32);
  return integer(value, () => Math.floor(Math.random() * range));
};

/** The variable is read once, when the configuration is compiled; one that is not there is not found. */
const env: FetchCompiler = ({ value }, plan) => {
  const text = process.env[stringArgument(plan, 0)];
  if (text === undefined) return single(() => FAIL);
  return bytesFetch(value, TYPE.str, new Uint8Array(Buffer.from(text, "utf8")));
};

const HEX = textBytes("0123456789abcdef");
const DASH = 45;

/** RFC 9562: version 4 is random, version 7 begins with the time in milliseconds. */
const uuid: FetchCompiler = ({ value }, plan) => {
  const version = integerArgument(plan, 0, 4);
  const random = new Uint8Array(16);
  return single(() => {
    randomFillSync(random);
    if (version === 7) {
      let rest = Date.now();
      for (let i = 5; i >= 0; i--) {
        random[i] = rest % 256;
        rest = Math.floor(rest / 256);
      }
    }
    random[6] = (random[6]! & 0x0f) | (version << 4);
    random[8] = (random[8]! & 0x3f) | 0x80;
    const scratch = value.scratch();
    let to = 0;
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) scratch[to++] = DASH;
      scratch[to++] = HEX[random[i]! >>> 4]!;
      scratch[to++] = HEX[random[i]! & 15]!;
    }
    value.type = TYPE.str;
    value.bytes = scratch;
    value.start = 0;
    value.end = to;
    return PASS;
  });
};

/** An integer that does not change while the configuration is in use. */
function constant(int: number): FetchCompiler {
  return ({ value }) => integer(value, () => int);
}

/** A word of the shared header. */
function headerWord(type: number, read: (word: number) => number, word: number): FetchCompiler {
  return ({ value, shared }) => {
    const { words } = shared;
    return single(() => {
      value.type = type;
      value.int = read(words[word]!);
      return PASS;
    });
  };
}

/** By canonical name, see fetches.table.ts. */
export const PROCESS_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  act_conn: headerWord(SINT, (count) => count, HEADER.connections),
  bin: ({ value }, plan) => bytesFetch(value, TYPE.bin, new Uint8Array(Buffer.from(stringArgument(plan, 0), "hex"))),
  date,
  date_us: ({ value }) => integer(value, () => microseconds() % 1_000_000),
  env,
  hostname: ({ value }) => bytesFetch(value, TYPE.str, textBytes(hostname())),
  nbproc: constant(1),
  pid: constant(process.pid),
  proc: constant(1),
  rand,
  stopping: headerWord(TYPE.bool, (stopping) => (stopping !== 0 ? 1 : 0), HEADER.stopping),
  thread: (ctx) => integer(ctx.value, () => ctx.worker),
  uptime: ({ value }) => integer(value, () => Math.floor(process.uptime())),
  uuid,
};
