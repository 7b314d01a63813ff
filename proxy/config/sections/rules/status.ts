// `set-status <status> [reason <str>]`, `set-method <fmt>`, `silent-drop [rst-ttl <ttl>]`, `auth [realm <realm>]`.

import type { ActionParser } from "../../keywords/action.ts";

export const setStatus: ActionParser = (reader) => {
  const text = reader.word;
  if (reader.isAtEnd) return reader.fault("expects 1 argument: <status>; or 3 arguments: <status> reason <fmt>.");
  const status = Number.parseInt(text, 10) || 0;
  if (status < 100 || status > 999) return reader.fault("expects an integer status code between 100 and 999.");
  reader.at++;
  const reason = reader.statement.text(reader.at + 1);
  if (reader.word !== "reason" || reason === "") return { kind: "set-status", status, reason: null };
  reader.at += 2;
  return { kind: "set-status", status, reason };
};

export const setMethod: ActionParser = (reader) => {
  if (reader.isAtEnd) return reader.fault("expects exactly 1 argument <format>.");
  const value = reader.nextFormat();
  return value && { kind: "set-method", value };
};

export const silentDrop: ActionParser = (reader) => {
  if (reader.word !== "rst-ttl") return { kind: "silent-drop", ttl: 0 };
  const text = reader.statement.text(reader.at + 1);
  if (text === "") return reader.fault("missing rst-ttl value\n.");
  const ttl = Number.parseInt(text, 10) || 0;
  if (ttl < 1 || ttl > 255) return reader.fault("valid rst-ttl values are [1-255]\n.", { at: reader.at + 1 });
  reader.at += 2;
  return { kind: "silent-drop", ttl };
};

export const auth: ActionParser = (reader) => {
  if (reader.word !== "realm") return { kind: "auth", realm: null };
  const realm = reader.statement.text(reader.at + 1);
  if (realm === "") return reader.fault("missing realm value.\n.");
  reader.at += 2;
  return { kind: "auth", realm };
};
