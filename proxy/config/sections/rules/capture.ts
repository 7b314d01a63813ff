// `capture <sample> [ len <length> | id <idx> ]`: with a length it is a slot of its own, with a number one that was declared.

import { canCast } from "../../../sample/types.ts";
import type { ActionParser } from "../../keywords/action.ts";

export const capture: ActionParser = (reader) => {
  const { isTcp, isResponse } = reader;
  const expects = isResponse ? "expects <expression> id <idx>." : "expects <expression> [ 'len' <length> | id <idx> ].";
  const written = reader.word;
  if (reader.isAtEnd) return reader.fault(isTcp ? "missing fetch method." : expects);
  const parsed = reader.nextSample();
  if (parsed === null) return null;
  if (!canCast(parsed.type, "str")) {
    return reader.fault(`'${written}' gives a value of type ${parsed.type}, which is no text.`, { at: reader.at - 1 });
  }
  const word = reader.word;
  const text = reader.statement.text(reader.at + 1);
  const lead = `'${reader.statement.textsOf(reader.at - 1)}' : `.replace(` ${written}`, "");
  if (isTcp && word !== "len") return reader.fault(`${lead}a positive 'len' argument is mandatory`);
  if (reader.isAtEnd || text === "") return reader.fault(expects);
  if (word === "len" && !isResponse) {
    if (!/^\d+$/.test(text) || Number(text) === 0) {
      return reader.fault(isTcp ? `${lead}length must be > 0` : "length must be > 0.", { at: reader.at + 1 });
    }
    if (reader.proxy.kind === "backend") return reader.fault("proxy has no frontend capability.");
    reader.at += 2;
    const { request } = reader.proxy.captures;
    request.push({ header: null, bytes: Number(text) });
    return { kind: "capture", sample: parsed.sample, index: request.length - 1 };
  }
  if (word !== "id") {
    return reader.fault(isResponse ? `expects 'id', found '${word}'.` : `expects 'len' or 'id', found '${word}'.`);
  }
  if (!/^\d+$/.test(text)) return reader.fault(`cannot parse id '${text}'.`, { at: reader.at + 1 });
  reader.at += 2;
  return { kind: "capture", sample: parsed.sample, index: Number(text) };
};
