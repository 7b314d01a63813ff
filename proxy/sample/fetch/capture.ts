// What was captured of a stream, and the request line as it was received: `capture.req.hdr`, `capture.res.hdr`, `capture.req.method`,
// `capture.req.uri`, `capture.req.ver`, `capture.res.ver`. Unlike the message's own fetches they are there to the stream's end.

import { MESSAGE, type RequestLine, versionText } from "../../http1/message.ts";
import { STREAM, type Stream } from "../../stream/stream.ts";
import { TYPE } from "../types.ts";
import { type FetchCompiler, integerArgument, single } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;
const STR = TYPE.str;
const HTTP = STREAM.http;
const BAD_REQUEST = STREAM.badRequest;

function captured(isResponse: boolean): FetchCompiler {
  return ({ captures, value }, plan) => {
    const index = integerArgument(plan, 0, 0);
    return single((stream) => (captures.get(stream, isResponse, index, value) ? PASS : FAIL));
  };
}

function hasRequest(stream: Stream): boolean {
  return (stream.flags & (HTTP | BAD_REQUEST)) === HTTP && stream.request.end !== stream.request.start;
}

function part(start: "methodStart" | "targetStart", end: "methodEnd" | "targetEnd"): FetchCompiler {
  return ({ bytes, value }) =>
    single((stream) => {
      if (!hasRequest(stream)) return FAIL;
      const { request } = stream;
      const line: RequestLine = (request.flags & MESSAGE.lineEdited) !== 0 ? request.received : request;
      value.type = STR;
      value.bytes = bytes;
      value.start = line[start];
      value.end = line[end];
      return PASS;
    });
}

function version(of: "request" | "response"): FetchCompiler {
  return ({ value }) =>
    single((stream) => {
      if (!hasRequest(stream)) return FAIL;
      const message = of === "request" ? stream.request : stream.response;
      if (message.end === message.start) return FAIL;
      value.type = STR;
      value.bytes = versionText(message.flags);
      value.start = 0;
      value.end = value.bytes.length;
      return PASS;
    });
}

/** By canonical name, see fetches.table.ts. */
export const CAPTURE_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  "capture.req.hdr": captured(false),
  "capture.req.method": part("methodStart", "methodEnd"),
  "capture.req.uri": part("targetStart", "targetEnd"),
  "capture.req.ver": version("request"),
  "capture.res.hdr": captured(true),
  "capture.res.ver": version("response"),
};
