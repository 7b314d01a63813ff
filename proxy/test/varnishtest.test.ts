// Scripts of our own for varnishtest, the relative of VTest that Debian packages: a second judge of clients, servers and syslog, which
// starts the program as HAProxy's own regression tests do (-d, sockets inherited as fd@, ended by SIGINT).

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { needs } from "./lab/needs.ts";
import { programUnderTest, REPOSITORY } from "./lab/program.ts";

t.setTimeout(120_000);

const SCRIPTS = join(REPOSITORY, "proxy/test/varnishtest");
/** Seconds for one script. */
const LIMIT_SECONDS = "60";

t.test("varnishtest", needs("varnishtest"), async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ringway-vtc-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  // HAPROXY_PROGRAM is one path; exec keeps the process id that varnishtest knows.
  const program = join(folder, "haproxy");
  writeFileSync(program, `#!/bin/sh\nexec ${programUnderTest().join(" ")} "$@"\n`, { mode: 0o755 });
  const env = { ...process.env, HAPROXY_PROGRAM: program, TMPDIR: folder };
  for (const script of readdirSync(SCRIPTS).filter((name) => name.endsWith(".vtc"))) {
    await t.test(script, async (t) => {
      const output = await new Promise<{ code: number; text: string }>((resolve) => {
        execFile(
          "varnishtest",
          ["-t", LIMIT_SECONDS, join(SCRIPTS, script)],
          { env, cwd: folder },
          (error, stdout, stderr) =>
            resolve({
              code: typeof error?.code === "number" ? error.code : error === null ? 0 : 1,
              text: stdout + stderr,
            }),
        );
      });
      // Lines that begin with dashes are what failed; the rest is the whole conversation.
      const failures = output.text.split("\n").filter((line) => line.startsWith("----"));
      t.same({ code: output.code, failures }, { code: 0, failures: [] });
      if (output.code !== 0) t.comment(output.text);
    });
  }
});
