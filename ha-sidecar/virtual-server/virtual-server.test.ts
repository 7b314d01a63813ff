// Virtual servers without a kernel: what checks say of servers that are well, ill, silent or foolish; quorums; schedules.

import { createSocket } from "node:dgram";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import t from "tap";
import { loadText } from "../config/fixture.ts";
import type { HaPlan } from "../plan/plan.ts";
import { Checker } from "./checker.ts";
import { checkersOf } from "./checkers.ts";
import { rulesetOf } from "./nft-rules.ts";
import { maglevTable, smoothTurns } from "./schedule.ts";
import { VirtualServer, type VirtualServerListener } from "./virtual-server.ts";

/** A plan with one virtual server; `real` are the lines of its only real server, on the port. */
function planOf(port: number, real: string, virtual = ""): HaPlan {
  const text = `global_defs {\n script_user root\n}\nvirtual_server 10.0.0.9 80 {\n delay_loop 1\n ${virtual}\n real_server 127.0.0.1 ${port} {\n ${real}\n }\n}\n`;
  const { plan, diagnostics } = loadText(text);
  if (plan.virtualServers.length !== 1) throw new Error(JSON.stringify(diagnostics));
  return plan;
}

/** What the only check says: null, it is well, or why not. */
function outcomeOf(plan: HaPlan): Promise<{ failure: string | null; weight: number | null }> {
  return new Promise((resolve) => {
    const server = plan.virtualServers[0]!.realServers[0]!;
    const end = (checker: Checker, failure: string | null) => {
      checker.stop();
      resolve({ failure, weight: checker.weight });
    };
    const [checker] = checkersOf(server, plan, {
      onChecked: (one, reason) => end(one, one.up ? null : reason),
      onFailedAttempt: (one, reason) => end(one, reason),
    });
    checker!.start();
  });
}

/** The text says nothing that a passing check would report, so `alpha`: up is a change then. */
const failureOf = async (port: number, check: string) => (await outcomeOf(planOf(port, check, "alpha"))).failure;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return (server.address() as { port: number }).port;
}

const TIMES = "connect_timeout 1\n retry 0\n warmup 0\n log_all_failures\n";

t.test("TCP and HTTP checks", async (t) => {
  const web = await listen(
    createHttpServer((request, response) => {
      if (request.url === "/gone") response.statusCode = 404;
      if (request.url === "/endless") for (let i = 0; i < 100; i++) response.write("x".repeat(65_536));
      response.end(
        request.headers["user-agent"] === "KeepAliveClient" ? `hello ${request.headers.host}` : "who are you?",
      );
    }),
  );
  const silent = await listen(createServer((socket) => void socket.resume().on("error", () => {})));
  const rude = await listen(createServer((socket) => socket.end("SSH-2.0-OpenSSH\r\n")));
  t.equal(await failureOf(web, `TCP_CHECK {\n ${TIMES}}`), null);
  const url = (lines: string) => `HTTP_GET {\n url {\n path /\n ${lines}\n }\n ${TIMES}}`;
  t.equal(await failureOf(web, url("status_code 200")), null);
  t.equal(await failureOf(web, url("virtualhost a.example\n regex ^hello.a.example$")), null);
  t.match(await failureOf(web, url("regex goodbye")), /does not match/);
  t.equal(await failureOf(web, url('regex "[[:alpha:]]+ 127[.]0"')), null, "what PCRE takes");
  t.equal(await failureOf(web, url("regex l\n regex_min_offset 3\n regex_max_offset 3")), null, "the second l");
  t.match(await failureOf(web, url("regex l\n regex_min_offset 4\n regex_max_offset 5")), /does not match/);
  t.match(await failureOf(web, url("digest 00000000000000000000000000000000")), /the digest is [0-9a-f]{32}/);
  t.equal(
    await failureOf(web, `HTTP_GET {\n url {\n path /gone\n status_code 200\n }\n ${TIMES}}`),
    "/gone: status 404",
  );
  t.match(await failureOf(web, `HTTP_GET {\n url {\n path /endless\n status_code 200\n }\n ${TIMES}}`), /too long/);
  t.match(await failureOf(rude, url("status_code 200")), /not an HTTP answer/);
  t.match(await failureOf(silent, url("status_code 200")), /no answer within 1000 ms/);
  t.match(await failureOf(web, `SSL_GET {\n url {\n path /\n status_code 200\n }\n ${TIMES}}`), /./, "no TLS there");
});

t.test("SMTP, DNS and UDP checks", async (t) => {
  const answers = (lines: readonly string[]) => (socket: Socket) => {
    let at = 0;
    socket.on("error", () => {});
    socket.write(lines[at++]!);
    socket.on("data", () => socket.write(lines[at++] ?? ""));
  };
  const good = await listen(createServer(answers(["220-hello\r\n220 there\r\n", "250 you\r\n", "221 bye\r\n"])));
  const bad = await listen(createServer(answers(["220 hello\r\n", "550 not you\r\n"])));
  t.equal(await failureOf(good, `SMTP_CHECK {\n helo_name me\n ${TIMES}}`), null);
  t.equal(await failureOf(bad, `SMTP_CHECK {\n helo_name me\n ${TIMES}}`), "status 550 instead of 250");

  const dns = createSocket("udp4");
  dns.on("message", (query, { address, port }) => {
    const reply = Buffer.from(query);
    reply[2]! |= 0x80;
    if (query.includes("nothing")) reply[3]! |= 3;
    dns.send(reply, port, address);
  });
  const foolish = createSocket("udp4");
  foolish.on("message", (_, { address, port }) => foolish.send("abcdef", port, address));
  for (const socket of [dns, foolish]) {
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    socket.unref();
  }
  const question = (name: string) => `DNS_CHECK {\n type A\n name ${name}\n ${TIMES}}`;
  t.equal(await failureOf(dns.address().port, question("a.example")), null);
  t.match(await failureOf(foolish.address().port, question("a.example")), /not a DNS answer/);
  t.equal(await failureOf(dns.address().port, question("nothing.example")), "RCODE 3");
  const udp = (lines: string) => `UDP_CHECK {\n ${lines}\n ${TIMES}}`;
  t.equal(await failureOf(foolish.address().port, udp("require_reply 61626364")), null, "abcd");
  t.match(await failureOf(foolish.address().port, udp("require_reply 6162ff64")), /another reply/);
  t.match(await failureOf(await listen(createServer()), udp("")), /ECONNREFUSED|refused/i, "nobody listens there");
});

t.test("scripts and files", async (t) => {
  t.equal(await failureOf(80, `MISC_CHECK {\n misc_path "/bin/true"\n ${TIMES}}`), null);
  t.equal(await failureOf(80, `MISC_CHECK {\n misc_path "/bin/false"\n ${TIMES}}`), "status 1");
  t.match(
    await failureOf(80, `MISC_CHECK {\n misc_path "/bin/sleep 30"\n misc_timeout 1\n ${TIMES}}`),
    /no result within 1000/,
  );
  const dynamic = `MISC_CHECK {\n misc_path "/bin/sh -c 'exit 12'"\n misc_dynamic\n ${TIMES}}`;
  t.same(await outcomeOf(planOf(80, dynamic, "alpha")), { failure: null, weight: 10 });
});

t.test("retries come before a server is down; one success is enough to be up", async (t) => {
  let fails = true;
  const said: string[] = [];
  const timing = {
    ...{ delayLoopMs: 5, retry: 2, delayBeforeRetryMs: 1, warmupMs: 0, alpha: false, connectTimeoutMs: 100 },
    logAllFailures: true,
  };
  const attempt = (done: (result: { failure: string | null }) => void) => {
    done({ failure: fails ? "ill" : null });
    return () => {};
  };
  await new Promise<void>((resolve) => {
    const checker = new Checker("TEST", timing, attempt, 1000, {
      onChecked: ({ up }) => {
        said.push(up ? "up" : "down");
        fails = false;
        if (up) resolve();
      },
      onFailedAttempt: () => said.push("attempt"),
    });
    checker.start();
    t.teardown(() => checker.stop());
  });
  t.same(said, ["attempt", "attempt", "down", "up"]);
});

t.test("quorum and hysteresis", (t) => {
  const servers = [1, 2, 3, 4].map((n) => `real_server 10.0.0.${n} 80 {\n weight 1\n TCP_CHECK {\n }\n }`).join("\n");
  const { plan } = loadText(
    `virtual_server 10.0.0.9 80 {\n quorum 2\n hysteresis 1\n sorry_server 10.0.0.8 80\n ${servers}\n}\n`,
  );
  const said: string[] = [];
  const listener: VirtualServerListener = {
    onServer: (_, { name }, up) => said.push(`${name.slice(8, 9)}${up ? "+" : "-"}`),
    onQuorum: (_, hasQuorum) => said.push(hasQuorum ? "gained" : "lost"),
    onChanged: () => {},
    onFailedAttempt: () => {},
  };
  const virtual = new VirtualServer(plan.virtualServers[0]!, plan, listener);
  const served = () =>
    virtual
      .service()
      .destinations.map(({ address }) => address.text.slice(-1))
      .join("");
  const down = new Set<Checker>();
  for (const { checkers } of virtual.servers)
    for (const checker of checkers) Object.defineProperty(checker, "up", { get: () => !down.has(checker) });
  const set = (index: number, up: boolean) => {
    const [checker] = virtual.servers[index]!.checkers;
    if (up) down.delete(checker!);
    else down.add(checker!);
    virtual.onChecked(checker!, "said so");
  };
  t.equal(served(), "1234");
  for (const index of [0, 1, 2]) set(index, false);
  t.equal(served(), "4", "quorum - hysteresis is still enough");
  set(3, false);
  t.equal(served(), "8", "the sorry server");
  set(0, true);
  t.equal(served(), "8", "quorum + hysteresis is not reached");
  set(1, true);
  set(2, true);
  t.equal(served(), "123");
  t.same(said, ["1-", "2-", "3-", "4-", "lost", "1+", "2+", "3+", "gained"]);
  t.end();
});

t.test("schedules and rules", (t) => {
  t.same(smoothTurns([3, 1]), [0, 0, 1, 0]);
  t.same(smoothTurns([0, 2]), [1]);
  const before = maglevTable(["a", "b", "c", "d"], [1, 1, 1, 1]);
  const after = maglevTable(["a", "b", "c"], [1, 1, 1]);
  const moved = before.filter((server, slot) => server !== 3 && after[slot] !== server).length;
  t.ok(moved < before.length / 8, `${moved} of ${before.length} slots moved that need not`);
  const { plan } = loadText(
    `virtual_server 10.0.0.9 53 {\n protocol UDP\n lb_algo wrr\n lb_kind NAT\n persistence_timeout 50\n persistence_granularity 255.255.255.0\n real_server 10.0.0.1 5353 {\n weight 3\n uthreshold 10\n }\n}\n`,
  );
  const quiet: VirtualServerListener = {
    onServer: () => {},
    onQuorum: () => {},
    onChanged: () => {},
    onFailedAttempt: () => {},
  };
  const virtual = new VirtualServer(plan.virtualServers[0]!, plan, quiet);
  const { commands } = rulesetOf("x", [virtual.service()], [], () => null, []);
  const text = commands.join("\n");
  t.match(text, /prerouting ip daddr 10\.0\.0\.9 udp dport 53 goto vs0/);
  t.match(text, /ip saddr & 255\.255\.255\.0 @vs0_10_0_0_1_5353_clients goto/);
  t.match(text, /ct count over 10/);
  t.match(text, /dnat to 10\.0\.0\.1:5353/);
  t.end();
});
