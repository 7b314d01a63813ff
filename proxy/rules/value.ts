// The values that rules give to headers, paths and bodies: log-format strings evaluated into bytes, or constant bytes where the
// string has no variable part. They are the log's formats (log/compile.ts) with another idea of text:
//
//                        log line         header, path     body (lf-string)
//   blanks               merged           as written       as written
//   a missing sample     -                nothing          nothing
//   control characters   #XX              %XX              as they are
//
// A value lives in a scratch area of the worker until the next one is written: who needs it longer copies it.

import { CaptureVariables } from "../log/capture-variables.ts";
import { compileLogFormat, type LogWriters } from "../log/compile.ts";
import { ItemWriter } from "../log/item-writer.ts";
import { SLACK } from "../log/line-writer.ts";
import { RequestVariables } from "../log/request-variables.ts";
import { TimeVariables } from "../log/time-variables.ts";
import { Variables } from "../log/variables.ts";
import type { LogNodePlan } from "../plan/log.ts";
import type { SampleContext } from "../sample/context.ts";
import { textBytes } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

const PERCENT = 37;
const DOUBLE_QUOTE = 34;
const BACKSLASH = 92;
const BRACKET_CLOSE = 93;
const UPPER_HEX = textBytes("0123456789ABCDEF");

/** A value that may differ from stream to stream. */
export interface Value {
  /** Evaluates it: its bytes then are `bytes[0, length)`. False: it does not fit into a buffer. */
  evaluate(stream: Stream): boolean;
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Writes the values of samples as `kind` wants them. */
class ValueWriter extends ItemWriter {
  readonly #encodes: boolean;

  /** @param encodes control characters become %XX: no value can end its line or bring another one */
  constructor(bytes: Uint8Array, encodes: boolean) {
    super(bytes);
    this.#encodes = encodes;
  }

  override missing(): void {}

  override sample(from: Uint8Array, start: number, end: number, escaped: boolean): void {
    const { bytes, limit } = this;
    let { at } = this;
    for (let i = start; i < end && at < limit; i++) {
      const byte = from[i]!;
      if (this.#encodes && (byte < 32 || byte === 127)) {
        bytes[at++] = PERCENT;
        bytes[at++] = UPPER_HEX[byte >> 4]!;
        bytes[at++] = UPPER_HEX[byte & 15]!;
        continue;
      }
      if (escaped && (byte === DOUBLE_QUOTE || byte === BACKSLASH || byte === BRACKET_CLOSE)) bytes[at++] = BACKSLASH;
      bytes[at++] = byte;
    }
    this.at = at;
  }
}

class ConstantValue implements Value {
  readonly bytes: Uint8Array;
  readonly length: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.length = bytes.length;
  }

  evaluate(): boolean {
    return true;
  }
}

class FormattedValue implements Value {
  readonly bytes: Uint8Array;
  length = 0;
  readonly #writer: ItemWriter;
  readonly #format: (stream: Stream) => void;
  readonly #limit: number;

  constructor(writer: ItemWriter, format: (stream: Stream) => void, limit: number) {
    this.bytes = writer.bytes;
    this.#writer = writer;
    this.#format = format;
    this.#limit = limit;
  }

  evaluate(stream: Stream): boolean {
    const writer = this.#writer;
    writer.start(0, this.#limit);
    this.#format(stream);
    const { at } = writer;
    this.length = writer.end();
    return at < this.#limit;
  }
}

/** Compiles values of rules; one per worker. */
export class Values {
  readonly #line: LogWriters;
  readonly #body: LogWriters;
  readonly #limit: number;

  constructor(ctx: WorkerContext, samples: SampleContext, pid: number) {
    this.#limit = ctx.plan.global.bufsizeBytes;
    const writersOf = (encodes: boolean): LogWriters => {
      const writer = new ValueWriter(new Uint8Array(this.#limit + SLACK), encodes);
      const { plan, connections, streams, bytes, clock } = ctx;
      const options = { plan, connections, streamBytes: streams.bytes, pid, hostname: plan.global.node, samples };
      return {
        ...{ writer, variables: new Variables(writer, options), times: new TimeVariables(writer, clock) },
        ...{ request: new RequestVariables(writer, bytes, plan.global.logUriBytes), samples },
        captures: new CaptureVariables(writer, samples.captures),
      };
    };
    this.#line = writersOf(true);
    this.#body = writersOf(false);
  }

  /** A value that stands in one line of a head. */
  compile(nodes: readonly LogNodePlan[]): Value {
    return this.#compile(nodes, this.#line);
  }

  /** The body of an answer. */
  compileBody(nodes: readonly LogNodePlan[]): Value {
    return this.#compile(nodes, this.#body);
  }

  #compile(nodes: readonly LogNodePlan[], writers: LogWriters): Value {
    const texts = nodes.map((node) => (node.kind === "text" ? node.text : null));
    if (!texts.includes(null)) return new ConstantValue(textBytes(texts.join("")));
    return new FormattedValue(writers.writer, compileLogFormat(nodes, writers, false, "value"), this.#limit);
  }
}
