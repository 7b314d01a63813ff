// Sends one framing case through a running program and says in a few words what came of it, on both sides of the program.
//
//   client ──case bytes──▶ program ──what it forwards──▶ origin (reads leniently, answers each complete request)
//          ◀──answers────          ◀──200, or the case's answer──
//
// A lane is a frontend, a backend and an origin of its own, so that whatever arrives at its origin belongs to the lane's case;
// several lanes work side by side. The only judgement that depends on time is "nothing more is coming": a lane waits until
// nothing has moved for `quietMs`, and a caller who doubts a verdict asks again with a longer quiet.

import { createConnection } from "node:net";
import { type HttpMessage, readMessage, readMessages } from "../lab/http-message.ts";
import { freePorts } from "../lab/ports.ts";
import { type Program, type StartOptions, startProgram, type Teardown } from "../lab/program.ts";
import { type RawOrigin, RawSocket, startRawOrigin } from "../lab/raw-socket.ts";
import { sleep } from "../lab/time.ts";
import { get, type RequestCase, type ResponseCase } from "./cases.ts";

/** First what the client saw, then a line for each thing that the origin saw. */
export type Verdict = readonly string[];

const QUIET_MS = 80;
/** Pause between two segments of a case: long enough for the program to have looked at the first. */
const CUT_MS = 15;
/** How long a program may take to close after the client has ended its direction. */
const END_LIMIT_MS = 1500;

export class Lane {
  readonly port: number;
  readonly origin: RawOrigin;
  #lastMoveMs = 0;

  constructor(port: number, origin: RawOrigin) {
    this.port = port;
    this.origin = origin;
  }

  /** @param cut where the bytes are cut in two segments, 0 … 1 of their length */
  async request(test: RequestCase, quietMs = QUIET_MS, cut = 0): Promise<Verdict> {
    const seen: string[] = [];
    this.#serve((connection) => answerRequests(connection, seen));
    return [
      await this.#client(test.send, quietMs, false, Math.floor(cut * test.send.length)),
      ...seen,
      ...this.#leftovers(),
    ];
  }

  async response(test: ResponseCase, quietMs = QUIET_MS): Promise<Verdict> {
    const fates: string[] = [];
    this.#serve((connection) => answerOnce(connection, test, fates));
    const client = await this.#client(test.request ?? get(), quietMs, true);
    return [client, ...fates];
  }

  /** Gives every connection of this case's origin to `onData` whenever it has received something. */
  #serve(onData: (connection: RawSocket) => void): void {
    this.origin.connections.length = 0;
    this.origin.onConnection = (connection) => {
      this.#moved();
      connection.socket.on("data", () => {
        this.#moved();
        onData(connection);
      });
      connection.socket.on("close", () => this.#moved());
      // As servers do: whoever ends the request direction gets the other one ended too.
      connection.socket.on("end", () => connection.end());
    };
  }

  async #client(bytes: string, quietMs: number, full = false, cut = 0): Promise<string> {
    const socket = createConnection({ host: "127.0.0.1", port: this.port, allowHalfOpen: true });
    const client = new RawSocket(socket);
    for (const event of ["data", "end", "close", "connect"]) socket.on(event, () => this.#moved());
    this.#moved();
    if (cut > 0) await client.sendSlowly([bytes.slice(0, cut)], CUT_MS);
    client.send(bytes.slice(cut));
    await this.#quiet(quietMs, () => false);
    // A client that was cut off may still wait for its origin to be closed; one that was not ends its direction now.
    const before = client.received;
    const wasOpen = client.isOpen;
    const originsOpen = this.origin.connections.filter((connection) => connection.isOpen).length;
    client.end();
    await this.#quiet(END_LIMIT_MS, () => !client.isOpen);
    const isOpen = client.isOpen;
    client.destroy();
    await this.#quiet(1000, () => this.origin.connections.every((connection) => !connection.isOpen));
    for (const connection of this.origin.connections) connection.destroy();

    const method = /^[\r\n]*([A-Z]+) /.exec(bytes)?.[1];
    const methods = method === undefined ? [] : [method];
    const first = describeAnswers(before, methods, !wasOpen, full);
    const all = describeAnswers(client.received, methods, !isOpen, full);
    const kept = wasOpen ? "kept" : "closed";
    const later = all === first ? "" : `, at our end: ${all}`;
    const stuck = isOpen ? ", still open after our end" : "";
    const server = full ? `, server's connection ${originsOpen > 0 ? "kept" : "closed"}` : "";
    return `${first || "nothing"}, ${kept}${later}${stuck}${server}`;
  }

  /** What origin connections hold that never became a complete request. */
  #leftovers(): string[] {
    const lines: string[] = [];
    for (const connection of this.origin.connections) {
      if (connection.received === "") continue;
      const message = safely(() => readMessage(connection.received, "request"));
      lines.push(message ? `incomplete: ${describe(message)}` : `bytes: ${shortened(connection.received)}`);
    }
    return lines;
  }

  #moved(): void {
    this.#lastMoveMs = performance.now();
  }

  /** Waits until nothing has moved for `quietMs` or `done` holds. */
  async #quiet(quietMs: number, done: () => boolean): Promise<void> {
    this.#moved();
    while (performance.now() - this.#lastMoveMs < quietMs && !done()) await sleep(5);
  }
}

/** Origin of the request cases: takes complete requests and answers each with 200. */
function answerRequests(connection: RawSocket, seen: string[]): void {
  for (;;) {
    const message = safely(() => readMessage(connection.received, "request"));
    if (!message?.complete) return;
    connection.received = connection.received.slice(message.bytes);
    seen.push(`request: ${describe(message)}`);
    const method = message.startLine.split(" ")[0];
    if (method === "CONNECT") {
      connection.send("HTTP/1.1 200 OK\r\n\r\n");
      return;
    }
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${method === "HEAD" ? "" : "ok"}`);
  }
}

/** Origin of the response cases: gives the case's bytes to the first complete request of the connection. */
function answerOnce(connection: RawSocket, test: ResponseCase, fates: string[]): void {
  const message = safely(() => readMessage(connection.received, "request"));
  if (!message?.complete) return;
  connection.received = connection.received.slice(message.bytes);
  if (fates.length > 0) {
    fates.push("asked again");
    connection.destroy();
    return;
  }
  fates.push("asked");
  if (test.answer !== "") connection.send(test.answer);
  if (test.finally === "end") connection.end();
  // The bytes before a reset need a moment to arrive: a RST that overtakes them in our own send queue would drop them.
  if (test.finally === "reset") setTimeout(() => connection.reset(), 20);
}

function describeAnswers(bytes: string, methods: readonly string[], ended: boolean, full: boolean): string {
  const read = safely(() => readMessages(bytes, "response", { ended, methods }));
  if (read === null) return `bytes ${shortened(bytes)}`;
  const parts = read.messages.map((message) => (full ? describe(message) : String(message.status)));
  if (!full) return parts.join(" ");
  if (read.rest !== "") parts.push(`then bytes ${shortened(read.rest)}`);
  return parts.join(" + ");
}

/** HAProxy's own answers; their exact bytes are another test's business. */
const ERROR_PAGE = /^<html><body><h1>(\d{3}) [^<]+<\/h1>\n[^<]+\n<\/body><\/html>\n$/;

/** One line: start line, header lines in order of name (order among equal names kept), body. */
function describe(message: HttpMessage): string {
  const lines = message.headers
    .map(([name, value]) => `${name}: ${shortened(value)}`)
    .sort((a, b) =>
      a.slice(0, a.indexOf(":")) < b.slice(0, b.indexOf(":"))
        ? -1
        : a.slice(0, a.indexOf(":")) > b.slice(0, b.indexOf(":"))
          ? 1
          : 0,
    );
  const shown = lines.length > 12 ? [...lines.slice(0, 3), `… ${lines.length} header lines`] : lines;
  const trailers = message.trailers.map(([name, value]) => `trailer ${name}: ${shortened(value)}`);
  const page = ERROR_PAGE.exec(message.body);
  const body =
    message.body === "" ? [] : [page ? `page of ${page[1]}` : `${message.framing} body ${shortened(message.body)}`];
  const cut = message.complete ? [] : ["incomplete"];
  return [shortened(message.startLine), ...shown, ...body, ...trailers.slice(0, 3), ...cut].join(" | ");
}

/** \\xNN for what is not printable; the middle of long texts left out, but their length told. */
function shortened(text: string): string {
  const short = text.length <= 120 ? text : `${text.slice(0, 40)}…${text.slice(-20)} (${text.length} bytes)`;
  return short.replace(/[^\x20-\x7e…]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** null for what is not well formed: the caller then shows the bytes. */
function safely<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** A program with `count` lanes. Server connections are not shared between clients, so that lanes' cases cannot meet. */
export async function startLanes(
  t: Teardown,
  count: number,
  options: Partial<StartOptions> = {},
): Promise<{ program: Program; lanes: Lane[] }> {
  const ports = await freePorts(count);
  const lanes: Lane[] = [];
  let proxies = "";
  for (const port of ports) {
    const origin = await startRawOrigin(t);
    lanes.push(new Lane(port, origin));
    proxies += `listen lane${port}\n  bind 127.0.0.1:${port}\n  server origin 127.0.0.1:${origin.port}\n`;
  }
  const config = `
global
  nbthread 1
defaults
  mode http
  http-reuse never
  retries 0
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${proxies}`;
  const program = await startProgram(t, { config, ...options });
  return { program, lanes };
}

/** Runs `work` over all items, one item per lane at a time. */
export async function overLanes<T>(
  lanes: readonly Lane[],
  items: readonly T[],
  work: (lane: Lane, item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(lane, item);
    }),
  );
}
