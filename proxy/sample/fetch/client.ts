// Fetches of the client's connection: src, src_port, dst, dst_port. configuration.txt 7.3.3.
//
// The local address is not kept per connection: a listener that is bound to one address has it; behind a wildcard the worker's
// `localAddress` asks the kernel, once per evaluation. Ports of listeners are always known. What rules set comes before either.

import { readAddress } from "../../../shared/ip/address.ts";
import { CONNECTION } from "../../connection/table.ts";
import type { Plan } from "../../plan/plan.ts";
import { setDestinationBytes, setDestinationPort } from "../../stream/addresses.ts";
import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { type FetchCompiler, single } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;
const IPV6 = CONNECTION.ipv6;
const UNIX = CONNECTION.unix;

const src: FetchCompiler = (ctx) => {
  const { connections, value } = ctx;
  return single((stream) => {
    const slot = stream.client;
    if (slot < 0) return FAIL;
    const flags = connections.flags[slot]!;
    if ((flags & UNIX) !== 0) return FAIL;
    const length = (flags & IPV6) !== 0 ? 16 : 4;
    const at = slot * 16;
    for (let i = 0; i < length; i++) value.address[i] = connections.address[at + i]!;
    value.type = length === 16 ? TYPE.ipv6 : TYPE.ipv4;
    return PASS;
  });
};

const srcPort: FetchCompiler = (ctx) => {
  const { connections, value } = ctx;
  return single((stream) => {
    const slot = stream.client;
    if (slot < 0 || (connections.flags[slot]! & UNIX) !== 0) return FAIL;
    value.type = TYPE.sint;
    value.int = connections.port[slot]!;
    return PASS;
  });
};

/** Addresses of the listeners, 16 bytes each, and their lengths: 0 for wildcards and inherited sockets, -1 where there is none. */
function listenerAddresses(plan: Plan): { readonly bytes: Uint8Array; readonly lengths: Int8Array } {
  const bytes = new Uint8Array(plan.listeners.length * 16);
  const lengths = new Int8Array(plan.listeners.length);
  const address = new Uint8Array(16);
  for (const listener of plan.listeners) {
    const bound = listener.address;
    if (bound.kind === "unix" || bound.kind === "abns") lengths[listener.index] = -1;
    if (bound.kind !== "ipv4" && bound.kind !== "ipv6") continue;
    const text = textBytes(bound.host);
    const length = readAddress(text, 0, text.length, address);
    if (length === 0 || address.subarray(0, length).every((byte) => byte === 0)) continue;
    bytes.set(address.subarray(0, length), listener.index * 16);
    lengths[listener.index] = length;
  }
  return { bytes, lengths };
}

const dst: FetchCompiler = (ctx) => {
  const { connections, value, localAddress } = ctx;
  const { bytes, lengths } = listenerAddresses(ctx.plan);
  return single((stream) => {
    if (stream.client < 0) return FAIL;
    const set = setDestinationBytes(stream);
    if (set > 0) {
      for (let i = 0; i < set; i++) value.address[i] = stream.addresses!.destination[i]!;
      value.type = set === 16 ? TYPE.ipv6 : TYPE.ipv4;
      return PASS;
    }
    let length = lengths[stream.listener]!;
    if (length < 0) return FAIL;
    if (length === 0) length = localAddress(connections.socketOf(stream.client), value.address);
    else for (let i = 0; i < length; i++) value.address[i] = bytes[stream.listener * 16 + i]!;
    if (length !== 4 && length !== 16) return FAIL;
    value.type = length === 16 ? TYPE.ipv6 : TYPE.ipv4;
    return PASS;
  });
};

const dstPort: FetchCompiler = (ctx) => {
  const value = ctx.value;
  const ports = Int32Array.from(ctx.plan.listeners, ({ address }) => ("port" in address ? address.port : -1));
  return single((stream) => {
    if (stream.client < 0) return FAIL;
    const set = setDestinationPort(stream);
    const port = set >= 0 ? set : ports[stream.listener]!;
    if (port < 0) return FAIL;
    value.type = TYPE.sint;
    value.int = port;
    return PASS;
  });
};

/** By canonical name, see fetches.table.ts. */
export const CLIENT_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  dst,
  dst_port: dstPort,
  src,
  src_port: srcPort,
};
