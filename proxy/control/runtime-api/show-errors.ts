// `show errors [<iid>|<proxy>] [request|response]`: the last message of each proxy that broke the protocol, with the byte that did it
// (management.txt, section 9.3).

import type { ProxyPlan } from "../../plan/plan.ts";
import { faultAt, type InvalidMessage } from "../invalid-messages.ts";
import { type Command, failure, type RuntimeContext } from "./command.ts";
import { dateText } from "./date-text.ts";

/** Characters of the message that fit on a line behind its position. */
const LINE_MAX = 70;

export const showErrors: Command = {
  words: ["show", "errors"],
  usage: "show errors [<px>] [request|response]",
  description: "report last request and/or response errors for each proxy",
  level: "operator",
  run({ args }, context) {
    const { plan } = context.control;
    const [name, side] = args;
    const named = plan.proxies.find((proxy) => proxy.name === name);
    if (name !== undefined && named === undefined && !/^-?\d+$/.test(name)) return failure("No such proxy.\n");
    const wanted = named?.id ?? Number(name ?? -1);
    const reports = plan.proxies
      .filter(({ id }) => wanted === -1 || id === wanted)
      .flatMap((proxy) => [
        ...(side === "response" ? [] : [report(proxy, context.invalid.request(proxy.index), context)]),
        ...(side === "request" ? [] : [report(proxy, context.invalid.response(proxy.index), context)]),
      ]);
    return {
      text: `Total events captured on [${dateText(Date.now())}] : ${context.invalid.total}\n${reports.join("")}`,
    };
  },
};

function report(proxy: ProxyPlan, message: InvalidMessage | undefined, { control }: RuntimeContext): string {
  if (message === undefined) return "";
  const { proxies, servers, global } = control.plan;
  const { bytes, side } = message;
  const server = servers[message.server];
  const serverText = server === undefined ? "<NONE> (#-1)" : `${server.name} (#${server.id})`;
  const other = side === "request" ? proxies[message.backend] : proxies[message.frontend];
  const otherText = other === undefined ? "<NONE> (#-1)" : `${other.name} (#${other.id})`;
  const lines = [
    "",
    `[${dateText(message.atMs)}] ${side === "request" ? "frontend" : "backend"} ${proxy.name} (#${proxy.id}): invalid ${side}`,
    side === "request"
      ? `  backend ${otherText}, server ${serverText}, event #${message.event}, src ${message.client}`
      : `  frontend ${otherText}, server ${serverText}, event #${message.event}, src ${message.client}`,
    `  buffer starts at 0 (including 0 out), ${Math.max(0, global.bufsizeBytes - bytes.length)} free,`,
    `  len ${bytes.length}, wraps at ${global.bufsizeBytes}, error at position ${faultAt(bytes, side)}`,
    `  HTTP/1 ${side}, exchange ${message.session} of its worker :`,
    "",
    ...messageLines(bytes).map((line) => `  ${line}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** `00016  Host: a\r\n`; a line that goes on has a `+` behind its position. */
export function messageLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  let at = 0;
  let isContinued = false;
  while (at < bytes.length) {
    const start = at;
    let text = "";
    let ended = false;
    while (at < bytes.length && !ended) {
      const shown = escaped(bytes[at]);
      if (text.length + shown.length > LINE_MAX) break;
      text += shown;
      ended = bytes[at] === 10;
      at++;
    }
    lines.push(`${String(start).padStart(5, "0")}${isContinued ? "+" : " "} ${text}`);
    isContinued = !ended;
  }
  return lines;
}

const NAMED: ReadonlyMap<number, string> = new Map([
  [9, "\\t"],
  [10, "\\n"],
  [13, "\\r"],
  [27, "\\e"],
  [92, "\\\\"],
]);

function escaped(byte: number): string {
  const named = NAMED.get(byte);
  if (named !== undefined) return named;
  return byte >= 32 && byte < 127
    ? String.fromCharCode(byte)
    : `\\x${byte.toString(16).padStart(2, "0").toUpperCase()}`;
}
