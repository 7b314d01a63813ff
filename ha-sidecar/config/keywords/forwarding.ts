// How packets reach a real server, as lb_kind and lvs_method write it.

import type { ForwardingPlan } from "../../plan/virtual-server.ts";
import type { Context } from "../keyword.ts";
import type { Statement } from "../statement.ts";
import { parseInteger, requireWord } from "../values.ts";

/** `NAT|DR`, or `TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum]`, or null. @param what `virtual server` */
export function readForwarding(statement: Statement, what: string, context: Context): ForwardingPlan | null {
  const method = requireWord(statement, 1, context);
  if (method === null) return null;
  if (method.text === "NAT" || method.text === "DR") return { method: method.text };
  const expected = "NAT, DR or TUN";
  if (method.text !== "TUN") {
    const message = `PARSER : unknown [${method.text}] routing method for ${what}.`;
    context.report.fault("invalid-value", method.place, message, { expected });
    return null;
  }
  let tunnel: "ipip" | "gue" | "gre" = "ipip";
  let port = 0;
  let checksum: "none" | "csum" | "remcsum" = "none";
  for (let i = 2; i < statement.words.length; i++) {
    const word = statement.words[i]!;
    const next = statement.words[i + 1]?.text;
    if (word.text === "type" && (next === "ipip" || next === "gue" || next === "gre")) tunnel = next;
    else if (word.text === "port" && parseInteger(next ?? "", { min: 1, max: 65535 }) !== null) port = Number(next);
    else if (word.text === "nocsum" || word.text === "csum" || word.text === "remcsum") {
      checksum = word.text === "nocsum" ? "none" : word.text;
      continue;
    } else {
      context.report.fault("invalid-value", word.place, `Invalid tunnel option ${word.text} for ${what}.`);
      return null;
    }
    i++;
  }
  return { method: "TUN", tunnel, port, checksum };
}
