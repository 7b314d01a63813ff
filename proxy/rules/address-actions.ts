// set-src, set-dst, set-src-port, set-dst-port: the stream goes on as if its client, or the address it came to, were another. Whose
// addresses these are, and until when, stands in stream/addresses.ts.
//
// An expression that gives no address (the header is missing, or holds something else) changes nothing, as in HAProxy.

import type { Proxied } from "../connection/proxied.ts";
import { CONNECTION } from "../connection/table.ts";
import type { SamplePlan } from "../plan/expression.ts";
import { compileSample } from "../sample/expression.ts";
import { TYPE } from "../sample/types.ts";
import { addressesOf, setSource, setSourcePort } from "../stream/addresses.ts";
import type { Stream } from "../stream/stream.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const PASS = 2;
const IPV6 = TYPE.ipv6;

export function compileSetSource(parts: RuleParts, sample: SamplePlan): Action {
  const { ctx, phase, samples } = parts;
  const { first } = compileSample(sample, samples, false, "addr");
  const { value } = samples;
  const { connections } = ctx;
  const isSocket = phase === "connection";
  return (stream) => {
    if (first(stream) !== PASS) return CONTINUE;
    const bytes = value.type === IPV6 ? 16 : 4;
    if (isSocket) {
      const entry = entryOf(parts, stream);
      entry.socketSourceBytes = bytes;
      for (let i = 0; i < bytes; i++) entry.socketSource[i] = value.address[i]!;
    }
    setSource(connections, stream, value.address, bytes);
    return CONTINUE;
  };
}

export function compileSetSourcePort(parts: RuleParts, sample: SamplePlan): Action {
  const { ctx, phase, samples } = parts;
  const { first } = compileSample(sample, samples, false, "sint");
  const { value } = samples;
  const { connections } = ctx;
  const isSocket = phase === "connection";
  return (stream) => {
    if (first(stream) !== PASS) return CONTINUE;
    const port = value.int & 0xffff;
    if (isSocket) entryOf(parts, stream).socketSourcePort = port;
    setSourcePort(connections, stream, port);
    return CONTINUE;
  };
}

/** Before there is a stream, what rules set is the connection's: it stands where a PROXY header's word does. */
function entryOf({ ctx }: RuleParts, { client, listener }: Stream): Proxied {
  const known = ctx.proxied.of(client);
  if (known !== undefined) return known;
  const entry = ctx.proxied.add(client);
  entry.byRule = true;
  entry.destinationPort =
    (ctx.connections.flags[client]! & CONNECTION.unix) !== 0 ? 0 : ctx.accept.localPort(client, listener);
  return entry;
}

export function compileSetDestination(parts: RuleParts, sample: SamplePlan): Action {
  const { ctx, phase, samples } = parts;
  const { first } = compileSample(sample, samples, false, "addr");
  const { value } = samples;
  if (phase === "connection" || phase === "session") {
    const isSocket = phase === "connection";
    return (stream) => {
      if (first(stream) !== PASS) return CONTINUE;
      const entry = entryOf(parts, stream);
      const bytes = value.type === IPV6 ? 16 : 4;
      entry.destinationBytes = bytes;
      for (let i = 0; i < bytes; i++) entry.destination[i] = value.address[i]!;
      if (isSocket) {
        entry.socketDestinationBytes = bytes;
        for (let i = 0; i < bytes; i++) entry.socketDestination[i] = value.address[i]!;
      }
      ctx.lifecycle.takeDestination(stream, stream.client);
      return CONTINUE;
    };
  }
  return (stream) => {
    if (first(stream) !== PASS) return CONTINUE;
    const addresses = addressesOf(stream);
    addresses.destinationBytes = value.type === IPV6 ? 16 : 4;
    for (let i = 0; i < addresses.destinationBytes; i++) addresses.destination[i] = value.address[i]!;
    return CONTINUE;
  };
}

export function compileSetDestinationPort(parts: RuleParts, sample: SamplePlan): Action {
  const { ctx, phase, samples } = parts;
  const { first } = compileSample(sample, samples, false, "sint");
  const { value } = samples;
  if (phase === "connection" || phase === "session") {
    const isSocket = phase === "connection";
    return (stream) => {
      if (first(stream) !== PASS) return CONTINUE;
      const port = value.int & 0xffff;
      const entry = entryOf(parts, stream);
      // The address stays what it was: the socket's own.
      if (entry.destinationBytes === 0) {
        entry.destinationBytes = ctx.accept.localAddress(ctx.connections.socketOf(stream.client), entry.destination);
      }
      if (entry.destinationBytes === 0) return CONTINUE;
      entry.destinationPort = port;
      if (isSocket) entry.socketDestinationPort = port;
      ctx.lifecycle.takeDestination(stream, stream.client);
      return CONTINUE;
    };
  }
  return (stream) => {
    if (first(stream) === PASS) addressesOf(stream).destinationPort = value.int & 0xffff;
    return CONTINUE;
  };
}
