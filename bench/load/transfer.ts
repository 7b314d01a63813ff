// One large body through a proxy, checked byte by byte, as a program of its own: `node transfer.js PORT down|up BYTES`.
// Prints {"seconds", "bytes", "isIntact"}: what arrived at the other end.

import { Agent, request } from "node:http";
import { PATTERN, PatternCheck } from "../origin/pattern.ts";

export interface TransferReport {
  readonly seconds: number;
  readonly bytes: number;
  readonly isIntact: boolean;
}

type Arrived = Pick<TransferReport, "bytes" | "isIntact">;

function download(port: number, bytes: number, agent: Agent): Promise<Arrived> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path: `/bytes/${bytes}`, agent }, (response) => {
      const check = new PatternCheck();
      response.on("data", (chunk: Buffer) => check.add(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ bytes: check.bytes, isIntact: check.isIntact && response.statusCode === 200 }),
      );
    });
    sent.on("error", reject);
    sent.end();
  });
}

function upload(port: number, bytes: number, agent: Agent): Promise<Arrived> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Length": bytes };
    const sent = request({ host: "127.0.0.1", port, path: "/sink", method: "POST", headers, agent }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`status ${response.statusCode}`));
      });
    });
    sent.on("error", reject);
    let left = bytes;
    const send = () => {
      while (left > 0) {
        const chunk = PATTERN.subarray(0, Math.min(left, PATTERN.length));
        left -= chunk.length;
        if (!sent.write(chunk)) {
          sent.once("drain", send);
          return;
        }
      }
      sent.end();
    };
    send();
  });
}

const [port, direction, bytes] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const agent = new Agent({ keepAlive: true });
const startMs = performance.now();
const arrived = await (direction === "up" ? upload : download)(port, bytes, agent);
const report: TransferReport = { seconds: (performance.now() - startMs) / 1000, ...arrived };
console.log(JSON.stringify(report));
agent.destroy();
