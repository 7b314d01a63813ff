// Servers whose addresses DNS gives: they come, move, wait and go as HAProxy 3.5's did with the same answers, in its words; templates share the addresses
// of a name, SRV records name servers; a reload keeps what was known.

import t from "tap";
import { basics } from "./lab/config.ts";
import { startNameserver } from "./lab/dns.ts";
import { get, startHttpOrigin } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { command, showStat } from "./lab/runtime-api.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const dns = await startNameserver(t);
const origin = await startHttpOrigin(t, { handler: (_, response) => response.end("origin") });
const [front, stats] = await freePorts(2);
const RESOLVERS = (nameserver: string): string => `
resolvers d
  nameserver n1 ${nameserver}
  hold valid 100ms
  hold nx 300ms
  hold refused 300ms
  hold timeout 300ms
  hold other 300ms
  timeout resolve 100ms
  timeout retry 100ms
  resolve_retries 1
`;
const CONFIG = `${basics(`nbthread 1\nstats socket 127.0.0.1:${stats} level admin`, "log stderr format raw local0")}
${RESOLVERS(`127.0.0.1:${dns.port}`)}
listen web
  bind 127.0.0.1:${front}
  server s web.test:${origin.port} resolvers d resolve-prefer ipv4 init-addr none
backend pool
  server-template t 1-3 pool.test:8080 resolvers d resolve-prefer ipv4 init-addr none
  server near near.test:80 resolvers d init-addr none resolve-net 10.9.0.0/16 resolve-opts allow-dup-ip
backend services
  server-template v 2 _http._tcp.srv.test resolvers d resolve-prefer ipv4 check inter 30s
`;
const address = `127.0.0.1:${stats}`;

/** Address, operational and administrative state, name, port and weight of a server. */
async function state(name: string, at = address): Promise<string> {
  const text = await command(at, "show servers state");
  const fields = text
    .split("\n")
    .map((line) => line.split(" "))
    .find((line) => `${line[1]}/${line[3]}` === name)!;
  return [4, 5, 6, 17, 18, 7].map((index) => fields[index]).join(" ");
}
const comesTo = (name: string, wanted: string, at = address): Promise<unknown> =>
  until(`${name}: ${wanted}`, async () => (await state(name, at)) === wanted);

t.test("a server's life", async (t) => {
  const program = await startProgram(t, { config: CONFIG });
  const says = (text: string): Promise<unknown> => until(text, () => program.stderr.includes(text));
  t.equal(await state("web/s"), `- 0 32 web.test ${origin.port} 1`, "no address yet");
  t.equal((await get(front)).status, 503);
  dns.addresses["web.test"] = ["127.0.0.1"];
  await comesTo("web/s", `127.0.0.1 2 0 web.test ${origin.port} 1`);
  t.equal((await get(front)).body, "origin");
  await says("web/s: IP changed from '(none)' to '127.0.0.1' by 'd/n1'.");
  await says("Server web/s ('web.test') is UP/READY (resolves again).");
  await says("Server web/s administratively READY thanks to valid DNS answer.");

  dns.addresses["web.test"] = ["127.0.0.2", "127.0.0.1"];
  await new Promise((resolve) => setTimeout(resolve, 400));
  t.match(await state("web/s"), /^127\.0\.0\.1 /, "it stays while its address is among them");
  dns.addresses["web.test"] = ["127.0.0.2"];
  await says("web/s: IP changed from '127.0.0.1' to '127.0.0.2' by 'd/n1'.");

  for (const [code, words] of [
    [3, "DNS NX status"],
    [5, "DNS refused status"],
    [2, "unspecified DNS error"],
    [-1, "DNS timeout status"],
  ] as const) {
    dns.codes["web.test"] = code;
    await says(`Server web/s is going DOWN for maintenance (${words}).`);
    t.equal((await showStat(address)).get("web/s")?.["status"], "MAINT (resolution)");
    dns.codes["web.test"] = 0;
    await comesTo("web/s", `127.0.0.2 2 0 web.test ${origin.port} 1`);
  }
  dns.addresses["other.test"] = ["127.0.0.1"];
  t.equal(
    (await command(address, "set server web/s fqdn other.test")).trim(),
    "web/s changed its FQDN from web.test to other.test by 'stats socket command'",
  );
  await comesTo("web/s", `127.0.0.1 2 64 other.test ${origin.port} 1`);
  t.equal((await get(front)).body, "origin");
  t.match(await command(address, "set server web/s fqdn a..b"), /no resolution is configured/);

  const shown = await command(address, "show resolvers d");
  t.match(shown, /^Resolvers section d\n nameserver n1:\n {2}sent: {8}\d+\n {2}snd_error: {3}0\n {2}valid: {7}\d+\n/);
  t.match(shown, / {2}nx: {10}[1-9]/);
  t.match(await command(address, "show resolvers nope"), /Can't find that resolvers section/);

  dns.addresses["pool.test"] = ["10.0.1.1", "10.0.1.2"];
  await comesTo("pool/t1", "10.0.1.1 2 0 pool.test 8080 1");
  await comesTo("pool/t2", "10.0.1.2 2 0 pool.test 8080 1");
  t.equal(await state("pool/t3"), "- 0 32 pool.test 8080 1");
  dns.addresses["pool.test"] = ["10.0.1.3", "10.0.1.2", "10.0.1.4"];
  await comesTo("pool/t1", "10.0.1.3 2 0 pool.test 8080 1");
  await comesTo("pool/t3", "10.0.1.4 2 0 pool.test 8080 1");
  t.match(await state("pool/t2"), /^10\.0\.1\.2 /, "who has an address keeps it");
  await says("by 'DNS cache'.");
  dns.addresses["pool.test"] = ["10.0.1.4"];
  await says("Server pool/t1 is going DOWN for maintenance (No IP for server ).");

  dns.addresses["near.test"] = ["10.1.0.1", "10.9.0.1"];
  await comesTo("pool/near", "10.9.0.1 2 0 near.test 80 1");
  t.ok(dns.asked.includes("28 near.test") && dns.asked.includes("1 near.test"), "one family after the other");
  dns.addresses["near.test"] = ["2001:db8::1"];
  await comesTo("pool/near", "2001:db8::1 2 0 near.test 80 1");

  dns.addresses["h1.test"] = ["10.0.2.1"];
  dns.addresses["h2.test"] = ["10.0.2.2"];
  dns.services["_http._tcp.srv.test"] = ["h1.test:81:0", "h2.test:82:512"];
  await comesTo("services/v1", "10.0.2.1 2 64 h1.test 81 0");
  await comesTo("services/v2", "10.0.2.2 2 64 h2.test 82 2");
  await says("services/v1 changed its FQDN from (null) to h1.test by 'SRV record'");
  dns.services["_http._tcp.srv.test"] = ["h2.test:82:256"];
  await says("Server services/v1 is going DOWN for maintenance (entry removed from SRV record).");
  await comesTo("services/v2", "10.0.2.2 2 64 h2.test 82 1");
  t.match(await state("services/v1"), /^- 0 96 - /);
});

t.test("over TCP, and a reload that keeps what was known", async (t) => {
  dns.codes["web.test"] = 0;
  dns.addresses["web.test"] = ["127.0.0.1"];
  const config = CONFIG.replace(
    RESOLVERS(`127.0.0.1:${dns.port}`),
    RESOLVERS(`tcp@127.0.0.1:${dns.tcpPort}`),
  ).replaceAll("300ms", "60s");
  const program = await startProgram(t, { config, args: ["-W"] });
  await until("an answer over TCP", async () => (await get(front)).status === 200);
  // Nobody answers from here on: only what was handed over can be known.
  dns.codes["web.test"] = -1;
  program.signal("SIGUSR2");
  await until("the next generation", () => (program.stderr.match(/is serving/g)?.length ?? 0) > 1);
  for (let i = 0; i < 40; i++) {
    t.equal((await get(front)).status, 200);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
