// The page's script as text, and the policy that lets exactly this text and the style sheet run and nothing else. The classes are written and
// checked as TypeScript (live-page.ts, chart.ts); what the page gets is their compiled source.

import { createHash } from "node:crypto";
import { CHART_SIZE, Chart } from "./chart.ts";
import { Html } from "./html.ts";
import { LivePage } from "./live-page.ts";
import { STYLE } from "./style.ts";

const SOURCE = `"use strict";new (${LivePage})({document,localStorage,location,fetch:(a,o)=>fetch(a,o),setTimeout:(f,d)=>setTimeout(f,d)},${Chart},${JSON.stringify(CHART_SIZE)}).start();`;

export const SCRIPT = new Html(SOURCE);

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Nothing from elsewhere is loaded; questions go to where the page came from; it cannot be framed. */
export const SECURITY_POLICY = [
  "default-src 'none'",
  `script-src ${hash(SOURCE)}`,
  `style-src ${hash(STYLE.text)}`,
  "img-src data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");
