// Reads HTTP/1 messages out of raw bytes, for tests that must see exactly what went over the wire. Bytes are latin1 strings here:
// one character per byte, so that nothing is lost and everything can be printed.
//
// This reader is for what a *proxy* wrote, which has to be well formed; it is strict about line ends and framing on purpose and
// throws on anything else. What tests send is never read by it.

/** How the end of a message's body is told. */
export type Framing = "none" | "length" | "chunked" | "close";

export interface HttpMessage {
  readonly startLine: string;
  /** Of a response; 0 for a request. */
  readonly status: number;
  /** Names in lower case, in the order received. */
  readonly headers: readonly (readonly [string, string])[];
  readonly framing: Framing;
  /** The decoded body. */
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  /** The whole message arrived (`close` framing: the connection has ended). */
  readonly complete: boolean;
  /** Bytes from the message's start to its end. */
  readonly bytes: number;
}

export interface ReadOptions {
  /** Method of the request that a response answers; "HEAD" and "CONNECT" change the framing. */
  readonly method?: string;
  /** The peer has ended its direction, so a body without length is over. */
  readonly ended?: boolean;
}

/** First value of a header (name in lower case), or undefined. */
export function header(message: HttpMessage, name: string): string | undefined {
  return message.headers.find(([key]) => key === name)?.[1];
}

/** All values of a header. */
export function headerValues(message: HttpMessage, name: string): string[] {
  return message.headers.filter(([key]) => key === name).map(([, value]) => value);
}

/** The message at the start of `bytes`, or null while its head is not complete. */
export function readMessage(
  bytes: string,
  kind: "request" | "response",
  options: ReadOptions = {},
): HttpMessage | null {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [startLine, ...lines] = bytes.slice(0, headEnd).split("\r\n");
  const headers = lines.map(readHeaderLine);
  const status = kind === "response" ? readStatus(startLine!) : 0;
  const value = (name: string) => headers.find(([key]) => key === name)?.[1];
  const bodyStart = headEnd + 4;
  const head = { startLine: startLine!, status, headers };

  const isBodyless =
    kind === "response" &&
    (status < 200 ||
      status === 204 ||
      status === 304 ||
      options.method === "HEAD" ||
      (options.method === "CONNECT" && status < 300));
  if (isBodyless) return { ...head, framing: "none", body: "", trailers: [], complete: true, bytes: bodyStart };

  if (/\bchunked$/i.test(value("transfer-encoding") ?? "")) {
    const chunks = readChunks(bytes, bodyStart);
    return { ...head, framing: "chunked", ...chunks };
  }
  const length = value("content-length");
  if (length !== undefined) {
    const bytesTotal = bodyStart + Number(length);
    const body = bytes.slice(bodyStart, bytesTotal);
    const complete = bytes.length >= bytesTotal;
    return { ...head, framing: "length", body, trailers: [], complete, bytes: bodyStart + body.length };
  }
  if (kind === "request") return { ...head, framing: "none", body: "", trailers: [], complete: true, bytes: bodyStart };
  const body = bytes.slice(bodyStart);
  return { ...head, framing: "close", body, trailers: [], complete: options.ended === true, bytes: bytes.length };
}

/** All messages in `bytes`; interim answers (1xx) are messages too. The last one may be incomplete, `rest` is what is no message. */
export function readMessages(
  bytes: string,
  kind: "request" | "response",
  options: ReadOptions & { methods?: readonly string[] } = {},
): { messages: HttpMessage[]; rest: string } {
  const messages: HttpMessage[] = [];
  let rest = bytes;
  let answered = 0;
  while (rest !== "") {
    const message = readMessage(rest, kind, { ...options, method: options.methods?.[answered] ?? options.method });
    if (message === null) break;
    messages.push(message);
    if (message.status >= 200) answered++;
    rest = rest.slice(message.bytes);
    if (!message.complete || message.status === 101) break;
  }
  return { messages, rest };
}

function readStatus(startLine: string): number {
  const match = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(startLine);
  if (match === null) throw new Error(`no status line: ${JSON.stringify(startLine)}`);
  return Number(match[1]);
}

function readHeaderLine(line: string): readonly [string, string] {
  const match = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/s.exec(line);
  if (match === null || /[\r\n]/.test(line)) throw new Error(`no header line: ${JSON.stringify(line)}`);
  return [match[1]!.toLowerCase(), match[2]!];
}

function readChunks(bytes: string, start: number): Pick<HttpMessage, "body" | "trailers" | "complete" | "bytes"> {
  let at = start;
  let body = "";
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return { body, trailers: [], complete: false, bytes: bytes.length };
    const line = bytes.slice(at, lineEnd);
    if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`no chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    body += bytes.slice(at, at + size);
    if (bytes.length < at + size + 2) return { body, trailers: [], complete: false, bytes: bytes.length };
    if (bytes.slice(at + size, at + size + 2) !== "\r\n") throw new Error("chunk does not end with CRLF");
    at += size + 2;
  }
  const trailers: (readonly [string, string])[] = [];
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return { body, trailers, complete: false, bytes: bytes.length };
    const line = bytes.slice(at, lineEnd);
    at = lineEnd + 2;
    if (line === "") return { body, trailers, complete: true, bytes: at };
    trailers.push(readHeaderLine(line));
  }
}
