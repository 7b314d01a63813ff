// Actions that set something for the rest of the stream (stream/settings.ts), or for the client's connection at once: set-timeout, set-log-level,
// set-retries, set-priority-class, set-priority-offset, marks and TOS. An expression without a value sets nothing.

import { setsockoptInt } from "../../shared/ffi/socket.ts";
import { CONNECTION } from "../connection/table.ts";
import type { SamplePlan } from "../plan/expression.ts";
import type { ActionPlan } from "../plan/rules.ts";
import { compileSample } from "../sample/expression.ts";
import { settingsOf } from "../stream/settings.ts";
import type { Stream } from "../stream/stream.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const PASS = 2;
const SOL_SOCKET = 1;
const SO_MARK = 36;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IPPROTO_IPV6 = 41;
const IPV6_TCLASS = 67;
const TIMEOUT_MAX_MS = 2 ** 30;
const CLASS_MAX = 2047;
const OFFSET_MAX_MS = 524287;
/** As HAProxy: more retries than this make no sense. */
const RETRIES_MAX = 100;

type ActionOf<Kind> = Extract<ActionPlan, { readonly kind: Kind }>;

/** A number of the configuration or of the stream; NaN: there is none. */
function compileNumber({ samples }: RuleParts, value: number | SamplePlan): (stream: Stream) => number {
  if (typeof value === "number") return () => value;
  const { first } = compileSample(value, samples, false, "sint");
  return (stream) => (first(stream) === PASS ? samples.value.int : Number.NaN);
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

export function compileSetTimeout(parts: RuleParts, { timeout, value }: ActionOf<"set-timeout">): Action {
  const number = compileNumber(parts, value);
  return (stream) => {
    const ms = number(stream);
    if (ms > 0) settingsOf(stream).timeoutMs[timeout] = Math.min(ms, TIMEOUT_MAX_MS);
    return CONTINUE;
  };
}

export function compileSetLogLevel(level: number): Action {
  return (stream) => {
    settingsOf(stream).logLevel = level;
    return CONTINUE;
  };
}

export function compileSetRetries(parts: RuleParts, { value }: ActionOf<"set-retries">): Action {
  const number = compileNumber(parts, value);
  return (stream) => {
    const retries = number(stream);
    if (retries >= 0) settingsOf(stream).retries = Math.min(retries, RETRIES_MAX);
    return CONTINUE;
  };
}

export function compileSetPriority(parts: RuleParts, { what, value }: ActionOf<"set-priority">): Action {
  const number = compileNumber(parts, value);
  return (stream) => {
    const wanted = number(stream);
    if (Number.isNaN(wanted)) return CONTINUE;
    const settings = settingsOf(stream);
    if (what === "class") settings.priorityClass = clamp(wanted, -CLASS_MAX, CLASS_MAX);
    else settings.priorityOffsetMs = clamp(wanted, -OFFSET_MAX_MS, OFFSET_MAX_MS);
    return CONTINUE;
  };
}

/** Sets the TOS byte (traffic class) of a socket; what the kernel does not allow is let be, as in HAProxy. */
export function setTos(fd: number, isIpv6: boolean, tos: number): void {
  if (isIpv6) setsockoptInt(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
  else setsockoptInt(fd, IPPROTO_IP, IP_TOS, tos);
}

/** Sets the packet mark of a socket (needs CAP_NET_ADMIN). */
export function setMark(fd: number, mark: number): void {
  setsockoptInt(fd, SOL_SOCKET, SO_MARK, mark | 0);
}

/** `set-fc-mark`, `set-fc-tos` (`set-mark`, `set-tos`) at once; `set-bc-*` when the server's connection is there. */
export function compileSetMark(parts: RuleParts, { side, what, value }: ActionOf<"set-mark">): Action {
  const number = compileNumber(parts, value);
  const { connections } = parts.ctx;
  return (stream) => {
    const wanted = number(stream);
    if (Number.isNaN(wanted) || wanted < 0) return CONTINUE;
    if (side === "server") {
      const settings = settingsOf(stream);
      if (what === "mark") settings.serverMark = wanted;
      else settings.serverTos = wanted & 255;
      return CONTINUE;
    }
    const slot = stream.client;
    if ((connections.flags[slot]! & CONNECTION.unix) !== 0) return CONTINUE;
    if (what === "mark") setMark(connections.socketOf(slot), wanted);
    else setTos(connections.socketOf(slot), (connections.flags[slot]! & CONNECTION.ipv6) !== 0, wanted & 255);
    return CONTINUE;
  };
}
