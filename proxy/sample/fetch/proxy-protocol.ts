// Fetches of what the PROXY header in front of a connection said beside addresses: fc_rcvd_proxy, fc_pp_authority, fc_pp_unique_id, fc_pp_tlv.
// configuration.txt 7.3.3. Bytes are those of the connection's entry (connection/proxied.ts), not copied.

import { TLV } from "../../listener/proxy-header.ts";
import type { Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { tlvType } from "../tlv-type.ts";
import { TYPE } from "../types.ts";
import type { Result } from "../value.ts";
import { type FetchCompiler, single, stringArgument } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;

/** Values of one type, one after the other: an ACL tries all of them. */
function tlvFetch(ctx: SampleContext, type: number, iterate: boolean): ReturnType<FetchCompiler> {
  const { value } = ctx;
  let at = -1;
  const find = (stream: Stream, from: number): Result => {
    const said = stream.client < 0 ? undefined : ctx.proxied?.of(stream.client);
    if (said === undefined) return FAIL;
    at = said.find(type, from);
    if (at < 0) return FAIL;
    value.type = TYPE.str;
    value.bytes = said.tlvs;
    value.start = at + 3;
    value.end = at + 3 + ((said.tlvs[at + 1]! << 8) | said.tlvs[at + 2]!);
    return PASS;
  };
  const first = (stream: Stream): Result => find(stream, 0);
  if (!iterate) return single(first);
  return {
    first,
    next: (stream) => {
      const said = ctx.proxied?.of(stream.client);
      return said === undefined ? FAIL : find(stream, at + 3 + ((said.tlvs[at + 1]! << 8) | said.tlvs[at + 2]!));
    },
  };
}

const fcRcvdProxy: FetchCompiler = (ctx) => {
  const { value } = ctx;
  return single((stream) => {
    if (stream.client < 0) return FAIL;
    value.type = TYPE.bool;
    value.int = (ctx.proxied?.of(stream.client)?.byRule ?? true) ? 0 : 1;
    return PASS;
  });
};

/** By canonical name, see fetches.table.ts. */
export const PROXY_PROTOCOL_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  fc_pp_authority: (ctx, _plan, iterate) => tlvFetch(ctx, TLV.authority, iterate),
  fc_pp_tlv: (ctx, plan, iterate) => tlvFetch(ctx, tlvType(stringArgument(plan, 0)), iterate),
  fc_pp_unique_id: (ctx, _plan, iterate) => tlvFetch(ctx, TLV.uniqueId, iterate),
  fc_rcvd_proxy: fcRcvdProxy,
};
