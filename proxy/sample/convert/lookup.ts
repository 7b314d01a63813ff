// Converters that look a name up in the configuration: nbsrv (a backend's) and srv_queue (a server's). configuration.txt 7.3.1. Names are
// compared one by one: what they are used for are configurations of some dozens of backends.

import { SERVER } from "../../shared-state/layout.ts";
import type { Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { serverIsUp, usableServers } from "../fetch/internal.ts";
import { TYPE } from "../types.ts";
import { type SampleValue, textBytes } from "../value.ts";
import type { ConverterCompiler } from "./converter.ts";
import { setBool, setInteger } from "./result.ts";

const SLASH = 47;
const SINT = TYPE.sint;

function isNamed(value: SampleValue, start: number, name: Uint8Array): boolean {
  const { bytes, end } = value;
  if (end - start !== name.length) return false;
  let i = 0;
  while (i < name.length && bytes[start + i] === name[i]) i++;
  return i === name.length;
}

function hasSlash({ bytes, start, end }: SampleValue): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === SLASH) return true;
  return false;
}

const nbsrv: ConverterCompiler = (ctx) => {
  const backends = ctx.plan.proxies.filter(({ backend }) => backend !== null);
  const names = backends.map(({ name }) => textBytes(name));
  const readers = backends.map(({ index }) => usableServers(ctx, index));
  return (value) => {
    for (let i = 0; i < names.length; i++) {
      if (!isNamed(value, value.start, names[i]!)) continue;
      value.int = readers[i]!();
      value.type = SINT;
      return true;
    }
    return false;
  };
};

/** Finds a server by `backend/server`, or in the proxy in which the stream is; -1: there is none. */
function serverFinder(ctx: SampleContext): (value: SampleValue, stream: Stream) => number {
  const { servers } = ctx.plan;
  const names = servers.map(({ name }) => textBytes(name));
  const fullNames = servers.map(({ name, proxy }) => textBytes(`${ctx.plan.proxies[proxy]!.name}/${name}`));
  return (value, stream) => {
    const isFull = hasSlash(value);
    const proxy = stream.backend >= 0 ? stream.backend : stream.frontend;
    for (let i = 0; i < servers.length; i++) {
      if (!isFull && servers[i]!.proxy !== proxy) continue;
      if (isNamed(value, value.start, (isFull ? fullNames : names)[i]!)) return i;
    }
    return -1;
  };
}

const srvQueue: ConverterCompiler = (ctx) => {
  const find = serverFinder(ctx);
  const { words } = ctx.shared;
  const ats = Int32Array.from(ctx.plan.servers, ({ index }) => ctx.shared.serverAt(index) + SERVER.queued);
  return (value, stream) => {
    const server = find(value, stream);
    return server >= 0 && setInteger(value, words[ats[server]!]!);
  };
};

const srvIsUp: ConverterCompiler = (ctx) => {
  const find = serverFinder(ctx);
  const isUp = ctx.plan.servers.map(({ index }) => serverIsUp(ctx, index));
  return (value, stream) => {
    const server = find(value, stream);
    return setBool(value, server >= 0 && isUp[server]!());
  };
};

const feExists: ConverterCompiler = (ctx) => {
  const names = ctx.plan.proxies.filter(({ frontend }) => frontend !== null).map(({ name }) => textBytes(name));
  return (value) =>
    setBool(
      value,
      names.some((name) => isNamed(value, value.start, name)),
    );
};

/** By name, see converters.table.ts. */
export const LOOKUP_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  fe_exists: feExists,
  nbsrv,
  srv_is_up: srvIsUp,
  srv_queue: srvQueue,
};
