// What only `tcp-check` has: sending bytes.

import type { CheckStepSendPlan } from "../../plan/check.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";
import { type CheckReader, fromHex, hexProblem } from "./check-reader.ts";
import { addRead } from "./check-steps.ts";

/** `send <data>`, `send-lf <fmt>`, `send-binary <hexstring>`, `send-binary-lf <hexfmt>`, each `[comment <msg>]` */
export function tcpCheckSend(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  addRead(statement, proxy, configuration, readSend);
}

function readSend(reader: CheckReader): CheckStepSendPlan {
  const keyword = reader.statement.text(1);
  const isBinary = keyword.startsWith("send-binary");
  const data = reader.value(`'${isBinary ? "binary string" : "string"}' expects a ${keyword} as argument.`);
  const problem = keyword === "send-binary" ? hexProblem(data) : null;
  if (problem !== null) throw reader.fault("bad-binary", `'${data}' invalid binary string (${problem}).`, 2);
  const text = keyword.endsWith("-lf") ? reader.format(data) : isBinary ? fromHex(data) : data;
  let comment = "";
  if (reader.has()) {
    const word = reader.word();
    if (word !== "comment") throw reader.fault("unknown-word", `expects 'comment' but got '${word}' as argument..`, 3);
    comment = reader.value("'comment' expects a string as argument..");
  }
  return { kind: "send", text, isHex: keyword === "send-binary-lf", comment };
}
