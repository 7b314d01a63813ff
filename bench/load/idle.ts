// Many clients that asked once and now only keep their connections, as a program of its own: `node idle.js PORT CONNECTIONS tcp|tls`.
// Prints {"open", "failed"} when all have had their answers, and ends when its standard input does.

import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface IdleReport {
  readonly open: number;
  readonly failed: number;
}

/** Connections that are being opened at a time: below any listen backlog. */
const AT_ONCE = 128;
const REQUEST = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
const END_OF_ANSWER = "ok.\n";

const [port, wanted] = [Number(process.argv[2]), Number(process.argv[3])];
const isTls = process.argv[4] === "tls";
const open: Socket[] = [];
let started = 0;
let failed = 0;

function next(): void {
  if (started < wanted) {
    started++;
    openOne();
  } else if (open.length + failed === wanted) {
    const report: IdleReport = { open: open.length, failed };
    console.log(JSON.stringify(report));
  }
}

function openOne(): void {
  const to = { port, host: "127.0.0.1" };
  const socket = isTls ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
  let answer = "";
  let isOpen = false;
  socket.on(isTls ? "secureConnect" : "connect", () => socket.write(REQUEST));
  socket.on("data", (data) => {
    answer += data.toString("latin1");
    if (isOpen || !answer.endsWith(END_OF_ANSWER)) return;
    isOpen = true;
    answer = "";
    open.push(socket);
    next();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    if (isOpen) return;
    failed++;
    next();
  });
}

for (let i = 0; i < Math.min(AT_ONCE, wanted); i++) next();
process.stdin.on("end", () => process.exit(0)).resume();
