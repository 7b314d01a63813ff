// `option forwarded`: the backend adds to the request's Forwarded header (RFC 7239), or makes it. What stood there before is kept when it is valid
// and replaced in meaning when it is not: then the new line is one of its own, which HAProxy and its readers trust alone.
//
// The parts are short texts and made as such: a backend with this option allocates a few strings per request.

import { HEADER_INTS } from "../http1/message.ts";
import type { SamplePlan } from "../plan/expression.ts";
import type { ForwardedNodePlan, ForwardedPlan } from "../plan/forwarded.ts";
import type { SampleContext } from "../sample/context.ts";
import { hostText, isForwarded, nodeText } from "../sample/convert/forwarded.ts";
import { compileSample } from "../sample/expression.ts";
import { latin1, textBytes } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import type { HeadEdits } from "./head-edits.ts";

const PASS = 2;
const NAME = textBytes("forwarded");
const PREFIX = textBytes("forwarded: ");

type Text = (stream: Stream) => string;

/** Adds the header to the stream's request. False: there is no room. */
export type AddForwarded = (stream: Stream) => boolean;

export function compileForwarded(samples: SampleContext, edits: HeadEdits, plan: ForwardedPlan): AddForwarded {
  const parts = [
    ...(plan.proto ? [proto(samples)] : []),
    ...(plan.host === null ? [] : [host(samples, plan.host)]),
    ...(plan.by === null ? [] : [node(samples, "by", plan.by)]),
    ...(plan.for === null ? [] : [node(samples, "for", plan.for)]),
  ];
  return (stream) => {
    const added = parts.map((part) => part(stream)).join(";");
    const row = lastRow(stream, edits);
    if (row === -1) return edits.add(stream, PREFIX, textBytes(added), added.length);
    const { headers } = stream.request;
    const value = `${latin1(edits.bytes, headers[row + 2]!, headers[row + 3]!)},${added}`;
    return edits.setValue(stream, row, textBytes(value), value.length);
  };
}

/** The row of the last Forwarded line when all of them are valid, else -1. */
function lastRow(stream: Stream, edits: HeadEdits): number {
  const message = stream.request;
  let last = -1;
  for (let row = 0; row < message.headerCount * HEADER_INTS; row += HEADER_INTS) {
    if (!edits.isNamed(message, row, NAME)) continue;
    const value = latin1(edits.bytes, message.headers[row + 2]!, message.headers[row + 3]!);
    if (!elementsOf(value).every(isForwarded)) return -1;
    last = row;
  }
  return last;
}

/** The elements of a list; a comma between quotes is none. */
function elementsOf(value: string): string[] {
  return (value.match(/(?:"(?:[^"\\]|\\.)*"|[^",]|")+/gs) ?? []).map((element) => element.trim());
}

function proto({ connections }: SampleContext): Text {
  return ({ client }) => (connections.isEncrypted(client) ? "proto=https" : "proto=http");
}

function host(samples: SampleContext, plan: SamplePlan): Text {
  const text = sampleText(samples, plan);
  return (stream) => `host="${hostText(text(stream) ?? "")}"`;
}

function node(samples: SampleContext, name: string, plan: ForwardedNodePlan): Text {
  const nodeName = sampleText(samples, plan.name);
  const port = plan.port === null ? null : sampleText(samples, plan.port);
  return (stream) => `${name}=${nodeText(nodeName(stream) ?? "", port === null ? null : (port(stream) ?? ""))}`;
}

/** null: the expression gives nothing. */
function sampleText(samples: SampleContext, plan: SamplePlan): (stream: Stream) => string | null {
  const { first } = compileSample(plan, samples, false, "str");
  return (stream) => (first(stream) === PASS ? samples.value.text() : null);
}
