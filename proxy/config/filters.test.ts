// Faults of `filter` lines, of the file that `filter spoe` names and of the rules that name filters: each is told, with its place, and none of
// them is more than a message.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadConfiguration } from "./load.ts";

const AGENT = "spoe-agent a\n  use-backend agents\n";
const PROXIES = `
backend agents
  mode spop
  server s 127.0.0.1:1
backend web
  mode http
  server s 127.0.0.1:1
`;

async function faults(folder: string, lines: string, spoe = ""): Promise<string[]> {
  const file = join(folder, "cfg");
  writeFileSync(join(folder, "spoe.conf"), spoe);
  const proxy = `defaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nfrontend f\n  bind 127.0.0.1:1\n`;
  const indented = lines.replaceAll("SPOE", `config ${join(folder, "spoe.conf")}`).replace(/^/gm, "  ");
  writeFileSync(file, `${proxy}${indented}\n${PROXIES}`);
  const { diagnostics, plan } = await loadConfiguration({ files: [file] });
  const told = diagnostics.list.filter(({ severity }) => severity === "alert").map(({ message }) => message);
  t.equal(plan === null, told.length > 0);
  return told;
}

t.test("filter spoe", async (t) => {
  const table: readonly (readonly [lines: string, spoe: string, expected: RegExp])[] = [
    ["filter spoe engine", "", /'engine' : option without value/],
    ["filter spoe engine e", "", /missing config file/],
    ["filter spoe what e SPOE", "", /unknown keyword 'what'/],
    ["filter spoe config /nowhere/at/all", "", /Could not open configuration file/],
    ["filter spoe SPOE", "", /no SPOE agent found/],
    ["filter spoe engine e SPOE", `[other]\n${AGENT}`, /no SPOE agent found in the file for the engine 'e'/],
    ["filter spoe SPOE", `[scope]\n${AGENT}`, /SPOE scope 'scope'/],
    ["filter spoe SPOE", "spoe-agent a\n", /no backend found/],
    ["filter spoe SPOE", "spoe-agent a-b\n  use-backend agents\n", /invalid char found in the default prefix/],
    ["filter spoe SPOE", "spoe-agent a\n  use-backend nope\n", /unknown backend 'nope'/],
    ["filter spoe SPOE", "spoe-agent a\n  use-backend web\n", /does not support mode http/],
    ["filter spoe SPOE", `${AGENT}  messages m\n`, /unknown SPOE message 'm'/],
    ["filter spoe SPOE", `${AGENT}  groups g\n`, /unknown SPOE group 'g'/],
    ["filter spoe SPOE", `${AGENT}  option set-on-error a-b\n`, /'option set-on-error' expects a name/],
    ["filter spoe SPOE", `${AGENT}  option force-set-var\n`, /not served/],
    ["filter spoe SPOE", `${AGENT}  max-frame-size 10\n`, /expects a positive integer argument/],
    ["filter spoe SPOE", `${AGENT}  timeout processing soon\n`, /expects a time/],
    ["filter spoe SPOE", `${AGENT}  what\n`, /unknown keyword 'what' in 'spoe-agent' section/],
    ["filter spoe SPOE", "messages m\n", /unknown keyword 'messages' out of section/],
    ["filter spoe SPOE", `${AGENT}spoe-agent b\n`, /duplicate spoe-agent/],
    ["filter spoe SPOE", `${AGENT}spoe-message m\n  event on-monday\n`, /unknown event 'on-monday'/],
    ["filter spoe SPOE", `${AGENT}spoe-message m\n  event on-server-session\n`, /not served/],
    ["filter spoe SPOE", `${AGENT}spoe-message m\n  args x=nothing\n`, /unknown fetch method 'nothing'/],
    ["filter spoe SPOE", `${AGENT}spoe-message m\n  event on-client-session if nobody\n`, /no such ACL : 'nobody'/],
    ["http-request send-spoe-group e g", "", /unable to find SPOE engine 'e'/],
    ["filter spoe SPOE\nhttp-request send-spoe-group a g", AGENT, /unable to find SPOE group 'g'/],
    ["http-request send-spoe-group e", "", /expects 2 arguments/],
  ];
  for (const [lines, spoe, expected] of table) t.match((await faults(t.testdir(), lines, spoe)).join("\n"), expected);
  t.same(await faults(t.testdir(), "filter spoe SPOE", `${AGENT}  maxconnrate 5\n  option async\n`), []);
});

t.test("bandwidth limits and what else is new", async (t) => {
  const table: readonly (readonly [lines: string, expected: RegExp])[] = [
    ["filter bwlim-out", /a name is expected/],
    ["filter bwlim-out x default-limit 1m", /<default-period> option is missing/],
    ["filter bwlim-out x default-limit 0 default-period 1s", /invalid value '0'/],
    ["filter bwlim-out x default-limit 1m default-period soon", /invalid value 'soon'/],
    ["filter bwlim-out x limit 1m", /<key> option is missing/],
    ["filter bwlim-out x key src", /<limit> option is missing/],
    ["filter bwlim-out x limit 1m key src default-period 1s", /cannot mix per-stream and shared parameter/],
    ["filter bwlim-out x limit 1m key nothing", /unknown fetch method 'nothing'/],
    [
      "filter bwlim-out x limit 1m key src table nowhere",
      /unable to find table 'nowhere' referenced by filter bwlim-out/,
    ],
    ["http-request set-bandwidth-limit x", /unable to find bwlim filter 'x'/],
    ["http-request set-timeout server 1s", /'f' has no backend capability/],
    ["tcp-request content switch-mode tcp", /invalid mode 'tcp'/],
    ["force-be-switch", /requires either 'if' or 'unless'/],
  ];
  for (const [lines, expected] of table) t.match((await faults(t.testdir(), lines)).join("\n"), expected);
});
