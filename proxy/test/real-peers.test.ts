// Programs that people really use, on both sides: curl and wrk as clients, nginx as origin, HAProxy as the next and as the previous
// hop. They judge by themselves whether they are served well.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import { basics, listen } from "./lab/config.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { findProgram, needs } from "./lab/needs.ts";
import { freePort, freePorts, listeningPorts } from "./lab/ports.ts";
import { Program, startProgram, type Teardown } from "./lab/program.ts";
import { showStat } from "./lab/runtime-api.ts";
import { until } from "./lab/time.ts";

t.setTimeout(240_000);

const FILE_BYTES = 5 * 1024 * 1024;
const folder = t.testdir({});
const file = join(folder, "file.bin");
const content = Buffer.alloc(FILE_BYTES, "what curl sends and nginx gives; ");
writeFileSync(file, content);
const digest = createHash("sha1").update(content).digest("hex");

function run(
  program: string,
  args: readonly string[],
  stdin?: Buffer,
): Promise<{ code: number; stdout: Buffer; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { encoding: "buffer", maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        resolve({
          code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1,
          stdout,
          stderr: stderr.toString(),
        });
      },
    );
    // Who is not asked to read stdin may end before it has.
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
  });
}

t.test("curl", needs("curl"), async (t) => {
  // Answers with what it got: method, how the body was framed, its size and digest.
  const origin = createServer((request, response) => {
    const hash = createHash("sha1");
    let bytes = 0;
    request.on("data", (data: Buffer) => {
      bytes += data.length;
      hash.update(data);
    });
    request.on("end", () => {
      if (request.url === "/file") response.setHeader("content-length", FILE_BYTES).end(content);
      else
        response.end(
          JSON.stringify({
            method: request.method,
            framing: request.headers["transfer-encoding"] ?? "length",
            bytes,
            digest: hash.digest("hex"),
          }),
        );
    });
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    origin.closeAllConnections();
    origin.close();
  });
  const port = await freePort();
  await startProgram(t, {
    config: basics() + listen("main", port, `server s 127.0.0.1:${(origin.address() as AddressInfo).port}`),
  });
  const url = `http://127.0.0.1:${port}`;
  const curl = async (...args: string[]): Promise<Buffer> => {
    const { code, stdout, stderr } = await run("curl", ["-sS", "--fail", "--max-time", "30", ...args], content);
    t.same([code, stderr], [0, ""], args.join(" ").replace(folder, "…"));
    return stdout;
  };
  const told = async (...args: string[]): Promise<unknown> => JSON.parse((await curl(...args)).toString());

  t.match(await told(`${url}/`), { method: "GET", bytes: 0 });
  t.match(await told("--http1.0", `${url}/`), { method: "GET" });
  t.equal(
    createHash("sha1")
      .update(await curl(`${url}/file`))
      .digest("hex"),
    digest,
    "a file down",
  );
  // From 1 MB on, curl sends Expect: 100-continue by itself.
  t.match(await told("-T", file, `${url}/up`), { method: "PUT", framing: "length", bytes: FILE_BYTES, digest });
  t.match(await told("-T", "-", `${url}/up`), { method: "PUT", framing: "chunked", bytes: FILE_BYTES, digest });
  t.match(await told("--data-binary", `@${file}`, `${url}/post`), { method: "POST", bytes: FILE_BYTES, digest });
  t.equal(
    (await curl("-I", `${url}/file`)).toString().match(/^content-length: (\d+)/im)?.[1],
    String(FILE_BYTES),
    "HEAD",
  );
  const twice = (
    await curl("-w", "%{num_connects} ", "-o", "/dev/null", "-o", "/dev/null", `${url}/`, `${url}/`)
  ).toString();
  t.equal(twice, "1 0 ", "the connection is used again");
});

t.test("wrk", needs("wrk"), async (t) => {
  const origin = await startHttpOrigin(t);
  const [port, stats] = await freePorts(2);
  await startProgram(t, {
    config:
      basics(`nbthread 2\nstats socket 127.0.0.1:${stats} level admin`) +
      listen("main", port, `server s 127.0.0.1:${origin.port}`),
  });
  const { stdout } = await run("wrk", ["-t1", "-c64", "-d2s", "--timeout", "10s", `http://127.0.0.1:${port}/`]);
  const report = stdout.toString();
  const requests = Number(/(\d+) requests in/.exec(report)?.[1]);
  t.ok(requests > 100, report);
  t.notMatch(report, /Socket errors|Non-2xx/);
  const row = (await showStat(`127.0.0.1:${stats}`)).get("main/BACKEND")!;
  t.ok(Number(row.hrsp_2xx) >= requests, "the program counted them");
  t.same([row.hrsp_5xx, row.econ, row.eresp], ["0", "0", "0"]);
});

/** A program with a configuration file of its own and one port. */
async function startOther(t: Teardown, program: string, args: readonly string[], port: number): Promise<void> {
  const other = new Program(spawn(findProgram(program)!, args, { stdio: ["ignore", "pipe", "pipe"] }), "");
  t.teardown(() => other.stop());
  await until(`${program} listens (${other.stderr})`, () => listeningPorts().has(port));
}

t.test("nginx behind", needs("nginx"), async (t) => {
  const [port, nginx] = await freePorts(2);
  for (const name of ["temp", "logs"]) mkdirSync(join(folder, name));
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/temp/${name};`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr; events {}
     http { access_log off; ${temp.join(" ")}
       server { listen 127.0.0.1:${nginx}; root ${folder}; location /status { return 204; } location /moved { return 301 /file.bin; } } }`,
  );
  await startOther(t, "nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], nginx);
  await startProgram(t, { config: basics() + listen("main", port, `server s 127.0.0.1:${nginx}`) });
  const whole = await get(port, "/file.bin");
  t.equal(createHash("sha1").update(whole.body, "latin1").digest("hex"), digest);
  t.equal((await get(port, "/status")).status, 204);
  t.equal((await get(port, "/moved")).headers.location !== undefined, true);
  t.equal((await get(port, "/nothing")).status, 404);
  const part = await get(port, "/file.bin", { headers: { range: "bytes=100-199" } });
  t.same([part.status, part.body.length, part.headers["content-range"]], [206, 100, `bytes 100-199/${FILE_BYTES}`]);
  const tag = String(whole.headers.etag);
  t.same((await get(port, "/file.bin", { headers: { "if-none-match": tag } })).status, 304);
});

t.test("HAProxy before and behind", needs("haproxy"), async (t) => {
  const origin = await startHttpOrigin(t, { name: "far end" });
  const [port, before, behind] = await freePorts(3);
  const hop = (name: string, from: number, to: number, lines: string): string =>
    basics() + listen(name, from, `${lines}\nserver s 127.0.0.1:${to}`);
  writeFileSync(join(folder, "before.cfg"), hop("before", before, port, "option forwardfor"));
  writeFileSync(join(folder, "behind.cfg"), hop("behind", behind, origin.port, ""));
  await startOther(t, "haproxy", ["-db", "-f", join(folder, "before.cfg")], before);
  await startOther(t, "haproxy", ["-db", "-f", join(folder, "behind.cfg")], behind);
  await startProgram(t, { config: hop("main", port, behind, "option forwardfor") });
  for (let i = 0; i < 20; i++) t.equal((await get(before)).body, "far end\n");
  t.equal((await get(before, "/", { method: "POST", body: "x".repeat(100_000) })).status, 200);
  const headers = origin.requests[0]!.headers.map((text) => text.toLowerCase());
  const addresses = headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === "x-forwarded-for");
  t.same(addresses, ["127.0.0.1", "127.0.0.1"], "each hop adds its line");
});
