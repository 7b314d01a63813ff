// What rules did to the stream: `waiting_entity`, and the time-outs that hold for it now.

import type { TimeoutsPlan } from "../../plan/plan.ts";
import { TIMEOUT, timeoutOf } from "../../stream/settings.ts";
import { STATE } from "../../stream/stream.ts";
import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { type FetchCompiler, single } from "./fetch.ts";
import { retriesOf } from "./names.ts";

const FAIL = 0;
const PASS = 2;
const HTTP_REQUEST_RULE = textBytes("http-request rule");

/** What the stream stood still for when it ended. */
const waitingEntity: FetchCompiler = ({ value }) =>
  single((stream) => {
    if (stream.state !== STATE.inspecting && stream.state !== STATE.inspectingResponse) return FAIL;
    value.type = TYPE.str;
    value.bytes = HTTP_REQUEST_RULE;
    value.start = 0;
    value.end = value.bytes.length;
    return PASS;
  });

function timeout(
  which: number,
  of: (stream: { frontend: number; backend: number }) => number,
  name: keyof TimeoutsPlan,
): FetchCompiler {
  return ({ plan, value }) => {
    const table = Int32Array.from(plan.proxies, ({ timeouts }) => timeouts[name]);
    return single((stream) => {
      const proxy = of(stream);
      value.type = TYPE.sint;
      value.int = timeoutOf(stream, which, table[proxy]!);
      return PASS;
    });
  };
}

const maxRetries: FetchCompiler = (ctx) => {
  const { value } = ctx;
  const table = Int32Array.from(retriesOf(ctx));
  return single((stream) => {
    const set = stream.settings === null ? -1 : stream.settings.retries;
    value.type = TYPE.sint;
    value.int = set >= 0 ? set : table[ofBackend(stream)]!;
    return PASS;
  });
};

const ofFrontend = (stream: { frontend: number }): number => stream.frontend;
const ofBackend = (stream: { frontend: number; backend: number }): number =>
  stream.backend >= 0 ? stream.backend : stream.frontend;

/** By canonical name, see fetches.table.ts. */
export const RULE_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  cur_client_timeout: timeout(TIMEOUT.client, ofFrontend, "client"),
  cur_connect_timeout: timeout(TIMEOUT.connect, ofBackend, "connect"),
  cur_max_retries: maxRetries,
  cur_queue_timeout: timeout(TIMEOUT.queue, ofBackend, "queue"),
  cur_server_timeout: timeout(TIMEOUT.server, ofBackend, "server"),
  cur_tarpit_timeout: timeout(TIMEOUT.tarpit, ofBackend, "tarpit"),
  cur_tunnel_timeout: timeout(TIMEOUT.tunnel, ofBackend, "tunnel"),
  waiting_entity: waitingEntity,
};
