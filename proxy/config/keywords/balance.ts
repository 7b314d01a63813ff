// The algorithms of `balance`, section 4.2.

import type { Standing } from "./keyword.ts";

export interface BalanceKeyword {
  readonly name: string;
  readonly usage: string;
  readonly standing: Standing;
  readonly remark: string;
}

const LOG_MODE = "For backends in mode log.";

// biome-ignore format: a table
const ROWS: readonly (readonly [name: string, usage: string, standing: Standing, remark: string])[] = [
  ["roundrobin", "",          "served",   "The default, as in HAProxy 3.2."],
  ["static-rr",  "",          "served",   ""],
  ["leastconn",  "",          "served",   ""],
  ["first",      "",          "served",   ""],
  ["source",     "",          "served",   ""],
  ["random",     "[(draws)]", "served",   ""],
  ["uri",        "[ len <len> ] [ depth <depth> ] [ path-only ] [ whole ]", "served", ""],
  ["url_param",  "<param> [check_post]", "served", ""],
  ["hdr",        "(<name>) [ use_domain_only ]", "served", ""],
  ["hash",       "<expression>", "served", "As far as the expression's fetch and converters are served."],
  ["rdp-cookie", "[(<name>)]", "served", ""],
  ["log-hash",   "<converters>", "served", LOG_MODE],
  ["sticky",     "",          "served",   LOG_MODE],
];

export const BALANCE_ALGORITHMS: ReadonlyMap<string, BalanceKeyword> = new Map(
  ROWS.map(([name, usage, standing, remark]) => [name, { name, usage, standing, remark }]),
);
