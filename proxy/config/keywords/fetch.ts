// What a row of the sample-fetch tables says, and all of them together. The rows give every fetch of HAProxy 3.2 as `-dKsmp` lists it:
//
//   ["req.hdr", "[string,integer]", "str", REQUEST]
//     name       arguments           type   where its data is available
//
// Whether a fetch is served is not said here: it is when sample/ has it (sample/fetches.table.ts).

import { FETCHES } from "../../sample/fetches.table.ts";
import type { Standing } from "./keyword.ts";

/** Where in a stream's life a fetch's data is available: the 22 columns of `-dKsmp`, `Y` or `.` each. */
export type Availability = string;

// biome-ignore format: a table
export const ANYWHERE: Availability    = "YYYYYYYYYYYYYYYYYYYYYY";
export const INTERNAL: Availability = "YYYYYYYYYYYYYYYYYYYY.Y";
export const CONNECTION: Availability = "YYYYYYYYYYYYYYYYYYYY..";
export const FRONTEND: Availability = "YYYYYYYYYYYYYYYYYYY...";
export const SESSION: Availability = ".YYYYYYYYYYYYYYYYYY...";
export const REQUEST: Availability = "..YYYYYYYYY...........";
export const TRANSACTION: Availability = "..YYYYYYYYYYYYYYYYY...";
export const BUFFER: Availability = "..YYYYYYYYYYYYYYYY.Y..";
export const BACKEND: Availability = "......YYYYYYYYYYYYYY..";
export const SERVER: Availability = "..........YYYYYYYYYY..";
export const SERVER_SIDE: Availability = "...........YYYYYYYYY..";
export const RESPONSE: Availability = "...........YYYYYYY.Y..";
export const LOG: Availability = "..................Y...";

/** What the columns of an `Availability` stand for, in HAProxy's words. */
export const FETCH_COLUMNS: readonly string[] = [
  "frontend tcp-request connection rule",
  "frontend tcp-request session rule",
  "frontend tcp-request content rule",
  "frontend http-request header rule",
  "frontend http-request body rule",
  "frontend use-backend rule",
  "backend tcp-request content rule",
  "backend http-request header rule",
  "backend http-request body rule",
  "backend use-server, balance or stick-match rule",
  "server source selection",
  "backend tcp-response content rule",
  "backend http-response header rule",
  "backend http-response body rule",
  "backend stick-store rule",
  "frontend tcp-response content rule",
  "frontend http-response header rule",
  "frontend http-response body rule",
  "logs",
  "backend tcp-check rule",
  "configuration parser",
  "CLI parser",
];

/** The columns of an `Availability` that ringway asks about. */
export const COLUMN = {
  tcpRequestConnection: 0,
  tcpRequestSession: 1,
  frontendTcpRequest: 2,
  frontendHttpRequest: 3,
  useBackend: 5,
  backendTcpRequest: 6,
  backendHttpRequest: 7,
  balance: 9,
  stickStore: 14,
  serverSource: 10,
  backendTcpResponse: 11,
  backendHttpResponse: 12,
  frontendTcpResponse: 15,
  frontendHttpResponse: 16,
  log: 18,
  check: 19,
  parser: 20,
  cli: 21,
} as const;

/** What a fetch of that availability reads of an HTTP exchange, as HAProxy names it: for messages where it is not there. */
export function missingData(availability: Availability): string {
  const request = availability[COLUMN.frontendHttpRequest] === "Y" ? ["HTTP request headers"] : [];
  const response = availability[COLUMN.backendHttpResponse] === "Y" ? ["HTTP response headers"] : [];
  return [...request, ...response].join(",");
}

export interface FetchKeyword {
  readonly name: string;
  /** As HAProxy prints it: types, optional ones in brackets. */
  readonly arguments: string;
  readonly type: string;
  readonly availability: Availability;
  readonly manual: string;
  readonly standing: Standing;
}

type FetchRow = readonly [name: string, args: string, type: string, availability: Availability];

/** Rows of one section of the manual. */
export function fetches(manual: string, rows: readonly FetchRow[]): FetchKeyword[] {
  return rows.map(([name, args, type, availability]) => ({
    name,
    arguments: args,
    type,
    availability,
    manual,
    standing: FETCHES.has(name) ? "served" : "unserved",
  }));
}
