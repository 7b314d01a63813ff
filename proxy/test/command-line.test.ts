// The program as a command: statuses, and what is said on which stream. Nothing here serves a request.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { basics } from "./lab/config.ts";
import { freePorts } from "./lab/ports.ts";
import { runProgram } from "./lab/program.ts";

const TIMEOUTS = "timeout client 5s\n    timeout connect 5s\n    timeout server 5s";
const VALID = `defaults\n    mode http\n    ${TIMEOUTS}\nfrontend f\n    bind 127.0.0.1:1\n    default_backend b\nbackend b\n    server s 127.0.0.1:2\n`;
const WARNING = VALID.replace("timeout server 5s", "");
const ERRORS = VALID.replace("bind", "bindd").replace("server s", "srver s");
const NO_LISTENER = "global\n    maxconn 10\n";

const folder = mkdtempSync(join(tmpdir(), "ringway-command-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "conf.d"));
const FILES: Readonly<Record<string, string>> = {
  "valid.cfg": VALID,
  "warning.cfg": WARNING,
  "errors.cfg": ERRORS,
  "idle.cfg": NO_LISTENER,
  "conf.d/10-defaults.cfg": VALID.slice(0, VALID.indexOf("frontend")),
  "conf.d/20-front.cfg": VALID.slice(VALID.indexOf("frontend")),
  "conf.d/.hidden.cfg": "rubbish\n",
  "conf.d/notes.txt": "rubbish\n",
};
for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);

/** HAProxy 3.2's answers; `out` is all of stdout, `err` must be found on stderr, and null stands for a silent stderr. */
// biome-ignore format: a table is read by its columns
const TABLE: readonly (readonly [args: string, status: number, out: string, err: RegExp | null])[] = [
  ["-c -f valid.cfg",             0, "", null],
  ["-c -V -f valid.cfg",          0, "Configuration file is valid\n", null],
  ["-c -q -f valid.cfg",          0, "", null],
  ["-c -q -V -f valid.cfg",       0, "Configuration file is valid\n", null],
  ["-c -V -f conf.d",             0, "Configuration file is valid\n", null],
  ["-C conf.d -c -V -- 10-defaults.cfg 20-front.cfg", 0, "Configuration file is valid\n", null],
  ["-c -f warning.cfg",           0, "Warnings were found.\n", /^\[WARNING\] {2}\(\d+\) : /m],
  ["-c -V -f warning.cfg",        0, "Warnings were found.\nConfiguration file is valid\n", /^\[WARNING\]/m],
  ["-c -q -f warning.cfg",        0, "", null],
  ["-c -dW -f warning.cfg",       1, "", /\[ALERT\] .* : Some warnings were found and 'zero-warning' is set\. Aborting\.\n/],
  ["-dW -f warning.cfg",          1, "", /Some warnings were found and 'zero-warning' is set\. Aborting\.\n/],
  ["-c -f idle.cfg",              2, "Configuration file has no error but will not start (no listener) => exit(2).\n", null],
  ["-c -q -f idle.cfg",           2, "", null],
  ["-db -f idle.cfg",             1, "", /No enabled listener found \(check for 'bind' directives\) ! Exiting\.\n/],
  ["-c -f errors.cfg",            1, "", /^\[ALERT\] {4}\(\d+\) : config : parsing \[errors\.cfg:7\] : unknown keyword 'bindd' in 'frontend' section[\s\S]*parsing \[errors\.cfg:10\] : unknown keyword 'srver' in 'backend' section[\s\S]*config : Error\(s\) found in configuration file : errors\.cfg\n[\s\S]*config : Fatal errors found in configuration\.\n/m],
  ["-c -q -f errors.cfg",         1, "", null],
  ["-f errors.cfg",               1, "", /Fatal errors found in configuration/],
  ["-c -f absent.cfg",            1, "", /config : Cannot open configuration file\/directory absent\.cfg : No such file or directory\n/],
  ["-C absent -f valid.cfg",      1, "", /^\[ALERT\] {4}\(\d+\) : Could not change to directory absent : No such file or directory\n/m],
  ["-cc 1",                       0, "", null],
  ["-cc !1",                      1, "", null],
  ["-cc streq(a,b)",              1, "", null],
  ["-cc streq(\"$NOT_SETx\",\"\")", 0, "", null],
  ["-cc version_atleast(3.2)",    0, "", null],
  ["-cc foo",                     2, "", /Failed to evaluate condition: unparsable conditional expression 'foo'/],
  ["-x /old -f valid.cfg",        1, "", /^\[ALERT\] {4}\(\d+\) : -x is not served/],
];

t.test("statuses and words of checks", { timeout: 120_000 }, async (t) => {
  // Some at a time: a start is mostly waiting for files.
  const results: Awaited<ReturnType<typeof runProgram>>[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < TABLE.length; i = next++) {
      results[i] = await runProgram(TABLE[i]![0].split(" "), { cwd: folder, limitMs: 60_000 });
    }
  };
  await Promise.all([lane(), lane(), lane()]);
  for (const [i, [args, status, out, err]] of TABLE.entries()) {
    const result = results[i]!;
    t.equal(result.code, status, `status of ${args}`);
    t.equal(result.stdout, out, `stdout of ${args}`);
    if (err === null) t.equal(result.stderr, "", `stderr of ${args}`);
    else t.match(result.stderr, err, `stderr of ${args}`);
  }
});

t.test("versions go to stdout, usage to stderr", async (t) => {
  const short = await runProgram(["-v"]);
  t.equal(short.code, 0);
  t.match(short.stdout, /^HAProxy version 3\.2\.0-ringway/);
  const long = await runProgram(["-vv"]);
  t.equal(long.code, 0);
  t.match(long.stdout, /^ {2}TARGET {2}= /m, "as scripts look for it");
  t.match(long.stdout, /^Feature list : .*-OPENSSL/m);
  t.match(long.stdout, /^Reactor engine : /m);
  const wrong = await runProgram(["-zz"]);
  t.equal(wrong.code, 1);
  t.match(wrong.stdout, /^HAProxy version /);
  t.match(wrong.stderr, /^Usage : ringway [\s\S]*\nringway: unknown option '-zz'\.\n$/);
  const nothing = await runProgram([]);
  t.equal(nothing.code, 1);
  t.match(nothing.stderr, /^Usage : /);
});

t.test("-dK lists what is accepted, also beside a faulty configuration", async (t) => {
  const help = await runProgram(["-dKhelp", "-q", "-c", "-f", "valid.cfg"], { cwd: folder });
  t.equal(help.code, 0);
  t.match(help.stdout, /^# List of supported keyword classes:\nall: list all keywords\n/);
  const some = await runProgram(["-dKcfg,cli", "-q", "-c", "-f", "idle.cfg"], { cwd: folder });
  t.equal(some.code, 2, "the status is that of the check");
  t.match(some.stdout, /^# List of registered configuration keywords:\nglobal\n\t/);
  t.match(some.stdout, /^\toption httplog \[/m);
  t.match(some.stdout, /^show stat \[WORKER\]$/m);
  t.notMatch(some.stdout, /List of registered ACL keywords/);
  const faulty = await runProgram(["-dKall", "-q", "-c", "-f", "errors.cfg"], { cwd: folder });
  t.equal(faulty.code, 1);
  t.match(faulty.stdout, /List of registered ACL keywords/);
});

t.test("-dr: names that do not resolve", async (t) => {
  writeFileSync(join(folder, "name.cfg"), VALID.replace("127.0.0.1:2", "no-such-host.invalid:80"));
  const strict = await runProgram(["-c", "-f", "name.cfg"], { cwd: folder });
  t.equal(strict.code, 1);
  t.match(strict.stderr, /'server b\/s' : could not resolve address 'no-such-host\.invalid'\.\n/);
  const lenient = await runProgram(["-c", "-V", "-dr", "-f", "name.cfg"], { cwd: folder });
  t.equal(lenient.stdout, "Configuration file is valid\n");
  t.match(lenient.stderr, /could not resolve address 'no-such-host\.invalid', disabling server\.\n/);
});

t.test("ports that are taken, a pid file that cannot be written: one sentence each, and status 1", async (t) => {
  const [taken, free] = await freePorts(2);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(taken, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const bind = `bind 127.0.0.1:${taken}\n    bind 127.0.0.1:${taken}\n    bind 127.0.0.1:${free}`;
  writeFileSync(join(folder, "taken.cfg"), VALID.replace("bind 127.0.0.1:1", bind));
  for (const flags of [["-db"], ["-D"]]) {
    const result = await runProgram([...flags, "-f", "taken.cfg"], { cwd: folder });
    t.equal(result.code, 1);
    const alerts = result.stderr.split("\n").filter((line) => line.startsWith("[ALERT]"));
    const bound = alerts.filter((line) => /Binding/.test(line)).map((line) => line.replace(/^.* : Binding/, "Binding"));
    t.same(bound, [
      `Binding [taken.cfg:7] for frontend f: protocol tcpv4: cannot bind socket (Address already in use) for [127.0.0.1:${taken}].`,
      `Binding [taken.cfg:8] for frontend f: protocol tcpv4: cannot bind socket (Address already in use) for [127.0.0.1:${taken}].`,
    ]);
    t.match(alerts[2], /\[ringway\.main\(\)\] Some protocols failed to start their listeners! Exiting\.$/);
  }
  writeFileSync(join(folder, "pid.cfg"), VALID.replace("127.0.0.1:1", `127.0.0.1:${free}`));
  const pid = await runProgram(["-D", "-p", "/nonexistent/pid", "-f", "pid.cfg"], { cwd: folder });
  t.equal(pid.code, 1);
  t.match(pid.stderr, /Cannot create pidfile \/nonexistent\/pid\n[\s\S]*Process \d+ exited with code 1 \(Exit\)\n/);
});

t.test("a maxconn that no system can keep: an error, or a warning where limits are not strict", async (t) => {
  const [port] = await freePorts(1);
  const config = (lines: string) =>
    `${basics(lines)}\nlisten l\n    bind 127.0.0.1:${port}\n    server s 127.0.0.1:2\n`;
  writeFileSync(join(folder, "huge.cfg"), config("maxconn 500000000"));
  const strict = await runProgram(["-db", "-f", "huge.cfg"], { cwd: folder });
  t.equal(strict.code, 1);
  t.match(strict.stderr, /\[ALERT\] .*Cannot raise FD limit to 1000000\d{3}, limit is \d+\.\n/);
});
