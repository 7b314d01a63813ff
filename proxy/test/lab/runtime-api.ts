// Client of HAProxy's runtime API (the `stats socket`), as scripts use it: one connection per line, the write side closed, the
// answer read to its end; and an interactive session for prompt mode.

import { createConnection, type Socket } from "node:net";
import { within } from "./time.ts";

/** `/path` or `127.0.0.1:1234`. */
export function connectTo(address: string): Socket {
  if (address.startsWith("/")) return createConnection({ path: address, allowHalfOpen: true });
  const colon = address.lastIndexOf(":");
  return createConnection({
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
    allowHalfOpen: true,
  });
}

/** Sends one line (several commands separated by `;`) and returns the whole answer. */
export function command(address: string, line: string): Promise<string> {
  return within(
    `answer to ${line}`,
    new Promise<string>((resolve, reject) => {
      const socket = connectTo(address);
      let answer = "";
      socket.setEncoding("latin1");
      socket.on("data", (text: string) => {
        answer += text;
      });
      socket.on("end", () => {
        socket.destroy();
        resolve(answer);
      });
      socket.on("error", reject);
      socket.end(`${line}\n`);
    }),
  );
}

/** `show stat` as rows by `proxy/server`, columns by name. */
export async function showStat(address: string): Promise<Map<string, Record<string, string>>> {
  const lines = (await command(address, "show stat")).split("\n").filter(Boolean);
  const names = lines[0]!.replace(/^# /, "").split(",");
  const rows = new Map<string, Record<string, string>>();
  for (const line of lines.slice(1)) {
    const values = line.split(",");
    const row = Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""]));
    rows.set(`${row.pxname}/${row.svname}`, row);
  }
  return rows;
}

/** `show info` by name. */
export async function showInfo(address: string): Promise<Record<string, string>> {
  const text = await command(address, "show info");
  return Object.fromEntries(
    text
      .split("\n")
      .filter((line) => line.includes(": "))
      .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  );
}
