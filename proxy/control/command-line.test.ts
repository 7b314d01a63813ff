// The command line as a table: words → what is asked for. What HAProxy accepts, it accepts; what it takes and we do not serve is refused by name.

import t from "tap";
import { type CommandLine, type CommandLineResult, parseCommandLine, usageText, versionText } from "./command-line.ts";

type Expected = Partial<CommandLine> | { readonly usage: RegExp | null } | { readonly refused: RegExp };

// biome-ignore format: a table is read by its columns
const TABLE: readonly (readonly [words: string, expected: Expected])[] = [
  ["-f a.cfg",                        { sources: ["a.cfg"], check: false, daemon: false }],
  ["-f a.cfg -f dir -- b.cfg -c",     { sources: ["a.cfg", "dir", "b.cfg", "-c"], check: false }],
  ["-c -- a.cfg b.cfg",               { sources: ["a.cfg", "b.cfg"], check: true }],
  ["-c -V -q -f a.cfg",               { check: true, verbose: true, quiet: true }],
  ["-cc streq(a,a)",                  { condition: "streq(a,a)", sources: [] }],
  ["-d -f a.cfg",                     { debug: true, foreground: false }],
  ["-db -D -f a.cfg",                 { foreground: true, daemon: true, debug: false }],
  ["-D -p /run/r.pid -f a.cfg",       { daemon: true, pidfile: "/run/r.pid" }],
  ["-C /etc -f a.cfg",                { directory: "/etc" }],
  ["-n 100 -N 50 -L me -f a.cfg",     { maxconn: 100, maxconnPerProxy: 50, localpeer: "me" }],
  ["-n -5 -f a.cfg",                  { maxconn: -5 }],
  ["-dD -dW -dr -dR -dL -f a.cfg",    { diagnostics: true, zeroWarning: true, ignoreResolutionFailures: true, noReusePort: true, dumpLibraries: true }],
  ["-dKall -f a.cfg",                 { dumpKeywords: ["all"] }],
  ["-dKcfg,smp -f a.cfg",             { dumpKeywords: ["cfg", "smp"] }],
  // How VTest calls it.
  ["-d -dM -dI -dW -L A -f /T/cfg",   { debug: true, zeroWarning: true, localpeer: "A", sources: ["/T/cfg"] }],
  ["-dM0x50,no-merge -f a.cfg",       { sources: ["a.cfg"] }],
  ["-de -dp -dk -dv -dS -dF -dZ -f a.cfg", { sources: ["a.cfg"] }],
  // What a first start gives: no pids, nothing to take over.
  ["-f a.cfg -D -sf",                 { daemon: true }],
  ["-sf -st -x /dev/null -m 0 -f a.cfg", { sources: ["a.cfg"] }],
  ["",                                { usage: null }],
  ["-c",                              { usage: null }],
  ["-f",                              { usage: /option -f expects an argument/ }],
  ["-f a.cfg -zz",                    { usage: /unknown option '-zz'/ }],
  ["-dx -f a.cfg",                    { usage: /unknown option '-dx'/ }],
  ["-f a.cfg b.cfg",                  { usage: /unexpected argument 'b.cfg'/ }],
  ["-f a.cfg -n many",                { refused: /option -n expects a number, found 'many'/ }],
  ["-W -f a.cfg",                     { master: true, notify: false }],
  ["-Ws -S fd@9 -S /m,level,user -f a.cfg", { master: true, notify: true, masterSockets: ["fd@9", "/m,level,user"] }],
  ["-f a.cfg -sf 12 13",              { sources: ["a.cfg"], finish: [12, 13], terminate: [] }],
  ["-f a.cfg -st 12 -q",              { terminate: [12], finish: [], quiet: true }],
  ["--engine=epoll -f a.cfg",         { engine: "epoll" }],
  ["--engine=kqueue -f a.cfg",        { refused: /one of auto, io_uring and epoll, found 'kqueue'/ }],
  ["-f a.cfg -sf 12 x",               { refused: /expects process ids, found 'x'/ }],
  ["-f a.cfg -x /run/old.sock",       { refused: /-x is not served/ }],
  ["-m 512 -f a.cfg",                 { refused: /-m is not served/ }],
  ["-dt -f a.cfg",                    { refused: /traces \(-dt\)/ }],
  ["-dth2:all -f a.cfg",              { refused: /traces \(-dt\)/ }],
  ["-dC -f a.cfg",                    { refused: /-dC/ }],
  ["-dV -f a.cfg",                    { refused: /-dV/ }],
  ["-4 -f a.cfg",                     { refused: /-4/ }],
];

t.test("every flag, accepted or refused", async (t) => {
  for (const [line, expected] of TABLE) {
    const result = parseCommandLine(line.split(" ").filter((word) => word !== ""));
    t.ok(matches(result, expected), `ringway ${line}`, { result, expected });
  }
});

function matches(result: CommandLineResult, expected: Expected): boolean {
  if ("usage" in expected) {
    if (result.kind !== "usage") return false;
    return expected.usage === null ? result.message === null : expected.usage.test(result.message ?? "");
  }
  if ("refused" in expected) return result.kind === "refused" && expected.refused.test(result.message);
  if (result.kind !== "run") return false;
  const options: Readonly<Record<string, unknown>> = { ...result.options };
  return Object.entries(expected).every(([name, value]) => JSON.stringify(options[name]) === JSON.stringify(value));
}

t.test("versions, help texts and usage", async (t) => {
  t.same(parseCommandLine(["-v"]), { kind: "version", detailed: false });
  t.same(parseCommandLine(["-f", "a", "-vv"]), { kind: "version", detailed: true });
  t.match(parseCommandLine(["-dMhelp"]), { kind: "text", text: /-dM is accepted and changes nothing/ });
  t.match(versionText(), /^HAProxy version 3\.2\.0-ringway\S+ \d{4}\/\d\d\/\d\d/);
  const usage = usageText("ringway");
  for (const flag of ["-f", "-C", "-c", "-cc", "-D", "-db", "-q", "-V", "-vv", "-p", "-n", "-N", "-L", "-dW", "-dK"]) {
    t.match(usage, new RegExp(`^ {8}${flag}[ <{,]`, "m"), `${flag} is in the usage text`);
  }
});
