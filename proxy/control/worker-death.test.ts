// A real worker's death: its clients learn of it at once, nobody else is touched, no descriptor and no count stays behind, and the successor serves.
// How seats, spares and crash loops work is workers.test.ts; there the worker is a stand-in.

import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { loadConfiguration } from "../config/load.ts";
import { HEADER, PROXY, SERVER, WORKER } from "../shared-state/layout.ts";
import { basics, listen } from "../test/lab/config.ts";
import { get, startHttpOrigin } from "../test/lab/http-origin.ts";
import { freePort } from "../test/lab/ports.ts";
import { connect } from "../test/lab/raw-socket.ts";
import { until } from "../test/lab/time.ts";
import { boot } from "./boot.ts";
import { startParts } from "./parts.ts";
import { ProcessLog } from "./process-log.ts";

const WORKER_ENTRY = new URL("../worker/main.js", import.meta.url);

/** Rings, eventfds and sockets; clients and origin are this process's too, so the test closes what it opens. */
function isWorkers(fd: string): boolean {
  try {
    return /eventfd|io_uring|socket/.test(readlinkSync(`/proc/self/fd/${fd}`));
  } catch {
    return false; // the descriptor of the listing itself
  }
}

t.test("a worker that fails an assertion in full service", async (t) => {
  const port = await freePort();
  const slow: { end(text: string): void }[] = [];
  const origin = await startHttpOrigin(t, {
    handler: (request, response) => {
      if (request.url === "/slow") slow.push(response);
      else response.end("fine");
    },
  });
  const folder = mkdtempSync(join(tmpdir(), "ringway-death-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const rules = [
    "tcp-request connection track-sc0 src table st",
    "http-request set-map(virt@made) /key %[path] if { path_beg /put }",
    'http-request return status 200 content-type text/plain lf-string "%[src,table_conn_cur(st)] %[sc0_trackers] %[str(/key),map(virt@made,none)]" if { path /counts }',
    `server s 127.0.0.1:${origin.port} maxconn 10`,
  ];
  const lines = `${listen("l", port, rules.join("\n"))}backend st\n  stick-table type ip size 100 store conn_cur\n`;
  writeFileSync(join(folder, "cfg"), basics("nbthread 1\nmaxconn 100") + lines);
  const { plan } = await loadConfiguration({ files: [join(folder, "cfg")] });
  const output: string[] = [];
  const options = { quiet: false, verbose: false, diagnostics: false, plain: true };
  const proxy = await boot({
    plan: plan!,
    processLog: new ProcessLog({ ...options, write: (line) => output.push(line) }),
    workerEntry: WORKER_ENTRY,
    configurationFiles: [],
    noReusePort: false,
    pidfile: null,
    startParts: (control) => startParts(control, 0),
  });
  if (proxy === null) throw new Error(output.join(""));
  t.teardown(async () => {
    proxy.stop();
    await proxy.ended;
  });
  const { words } = proxy.shared;
  const restarts = () => words[proxy.shared.workerAt(0) + WORKER.restarts];
  const held = () => [
    words[HEADER.connections],
    words[proxy.shared.proxyAt(0) + PROXY.frontendSessions],
    words[proxy.shared.proxyAt(0) + PROXY.backendSessions],
    words[proxy.shared.serverAt(0) + SERVER.served],
  ];
  const descriptors = () => readdirSync("/proc/self/fd").filter(isWorkers).length;

  t.equal((await get(port)).body, "fine");
  await get(port, "/put/once");
  let before = 0;
  for (let death = 1; death <= 3; death++) {
    const busy = await connect(t, port);
    busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    const idle = await connect(t, port);
    await until("the request is with the server", () => slow.length === death && words[HEADER.connections] === 2);
    proxy.workers.post(0, { type: "crash" });
    await Promise.all([busy.closed(), idle.closed()]);
    await until("it was replaced", () => restarts() === death);
    t.equal((await get(port)).body, "fine", "the successor serves");
    // The dead worker's clients follow no entry any more, and what a rule of its had put into a map is there.
    await until("only the one who asks is counted", async () => (await get(port, "/counts")).body === "1 1 /put/once");
    await until("nothing is held", () => held().every((count) => count === 0));
    for (const client of [busy, idle]) client.destroy();
    // The first death leaves everything as it then stays; from there nothing may add up, not even an eventfd.
    await until("descriptors are as before", () => death === 1 || descriptors() <= before);
    before = descriptors();
  }
  t.match(
    output.join(""),
    /\[ALERT\] {4}\(\d+\) : Worker 0 died: Error: the control plane told this worker to crash\n/,
  );
  t.match(output.join(""), / {3}\| at .*proxy\/worker\/main\.ts:\d+/, "the stack names our source");
});
