// The keyword tables of the sections, put together. Options of bind and server lines have tables of their own (bind.ts, server.ts), so have
// sample fetches, converters, log-format aliases, balance algorithms and rule actions.

import type { ProxyParser } from "../sections/basics.ts";
import type { GlobalParser } from "../sections/global.ts";
import { GLOBAL_PROCESS } from "./global-process.ts";
import { GLOBAL_TUNING } from "./global-tuning.ts";
import { KeywordTable } from "./keyword.ts";
import { PROXY_CHECK, PROXY_GONE, PROXY_STATS } from "./proxy-check-stats.ts";
import { PROXY_GENERAL } from "./proxy-general.ts";
import { PROXY_OPTION } from "./proxy-option.ts";

export const GLOBAL_KEYWORDS = new KeywordTable<GlobalParser>(GLOBAL_PROCESS, GLOBAL_TUNING);

export const PROXY_KEYWORDS = new KeywordTable<ProxyParser>(
  PROXY_GENERAL,
  PROXY_OPTION,
  PROXY_CHECK,
  PROXY_STATS,
  PROXY_GONE,
);
