// The other end of loader.ts: a short-lived process that reads the configuration and hands back what it came to. The language, its keyword tables
// and its diagnostics take some ten megabytes, which a daemon that runs for months need not keep.
//
//   node load-process.js OPTIONS     JSON of LoadOptions; the answer is `LoadAnswer`, v8-serialized, on standard output

import { writeSync } from "node:fs";
import { serialize } from "node:v8";
import { type LoadOptions, load, renderDiagnostics } from "./config/load.ts";
import type { LoadAnswer } from "./loader.ts";

const options = JSON.parse(process.argv[2]!) as LoadOptions;
const { plan, diagnostics, isFatal, testStatus } = load(options);
const answer: LoadAnswer = { plan, isFatal, testStatus, messages: renderDiagnostics(diagnostics, process.ppid) };
const bytes = serialize(answer);
for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
