// Variables as arguments of converters: `add(txn.n)`, `strcmp(txn.host)`, `hmac(sha256,txn.key)`. A name begins with its scope.
//
// They are read into a value of their own, because the one value of the context holds what the converter works on.

import type { Stream } from "../../stream/stream.ts";
import { parseVariableName } from "../../variables/name.ts";
import type { Variable } from "../../variables/variables.ts";
import { castBetween } from "../cast.ts";
import type { SampleContext } from "../context.ts";
import type { Integer } from "../integer64.ts";
import { TYPE } from "../types.ts";
import { SampleValue, textBytes } from "../value.ts";

const toStr = castBetween("any", "str")!;
const toSint = castBetween("any", "sint")!;

/** Whether an argument names a variable rather than being a value itself. */
export function isVariable(text: string): boolean {
  return text.includes(".") && typeof parseVariableName(text) !== "string";
}

/** Reads one variable. */
export class VariableOperand {
  readonly #ctx: SampleContext;
  readonly #variable: Variable;
  readonly #value = new SampleValue(0);

  constructor(ctx: SampleContext, name: string) {
    this.#ctx = ctx;
    this.#variable = ctx.variables.find(name);
  }

  /** The variable as a number; false: there is none, or it is no number. */
  readInteger(stream: Stream, into: Integer): boolean {
    const value = this.#value;
    if (!this.#ctx.variables.get(this.#variable, stream, value) || !toSint(value)) return false;
    into.int = value.int;
    into.high = value.high;
    into.low = value.low;
    return true;
  }

  /** The variable's bytes until it is set again; null: not found. */
  readBytes(stream: Stream): Uint8Array | null {
    const value = this.#value;
    if (!this.#ctx.variables.get(this.#variable, stream, value)) return null;
    // A block of bytes may hold NULs, which a cast to text would end at.
    if (value.type !== TYPE.bin && !toStr(value)) return null;
    return value.bytes.subarray(value.start, value.end);
  }
}

/** Bytes that are given in the configuration or by a variable. */
export type BytesOperand = (stream: Stream) => Uint8Array | null;

/** An argument that is a variable's name or text. */
export function bytesOperand(ctx: SampleContext, text: string): BytesOperand {
  if (isVariable(text)) {
    const variable = new VariableOperand(ctx, text);
    return (stream) => variable.readBytes(stream);
  }
  const bytes = textBytes(text);
  return () => bytes;
}

/** The same, base64-encoded either way. */
export function base64Operand(ctx: SampleContext, text: string): BytesOperand {
  const encoded = bytesOperand(ctx, text);
  if (isVariable(text)) {
    return (stream) => {
      const bytes = encoded(stream);
      return bytes === null ? null : new Uint8Array(Buffer.from(Buffer.from(bytes).toString("latin1"), "base64"));
    };
  }
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  return () => bytes;
}

/** Stores bytes in a variable. */
export function storeBytes(ctx: SampleContext, name: string): (bytes: Uint8Array, stream: Stream) => void {
  const variable = ctx.variables.find(name);
  const value = new SampleValue(0);
  return (bytes, stream) => {
    value.bytes = bytes;
    value.start = 0;
    value.end = bytes.length;
    value.type = TYPE.str;
    ctx.variables.set(variable, stream, value, 0);
  };
}
