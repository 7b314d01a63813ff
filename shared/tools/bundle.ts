// Build step after the compiler: the modules that a program, a worker or a thread begins with become one file each, in the place of the
// compiler's, so that starting one reads a file and not four hundred (half of the time that a start takes). Libraries stay where npm puts
// them. Everything else in dist/ is the compiler's, for the tests. Also makes executable what package.json names under "bin".

import { chmodSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ENTRIES = [
  "proxy/control/start.ts",
  "proxy/worker/main.ts",
  "ha-sidecar/main.ts",
  "ha-sidecar/thread/main.ts",
  "ha-sidecar/load-process.ts",
];
const PROGRAMS = ["dist/proxy/main.js", "dist/ha-sidecar/main.js"];

const root = fileURLToPath(new URL("../../../", import.meta.url));
await build({
  absWorkingDir: root,
  entryPoints: ENTRIES,
  outbase: ".",
  outdir: "dist",
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20.19",
  // Traces name the TypeScript lines; the sources themselves stand beside dist/.
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
});
for (const program of PROGRAMS) chmodSync(`${root}${program}`, 0o755);
