// From text to plan: what backends do with their servers. The rest is in plan.test.ts.

import t from "tap";
import type { CheckPlan } from "../plan/check.ts";
import { plan } from "./plan.fixture.ts";

t.test("checks, balancing, statistics", async (t) => {
  const all = await plan(
    t,
    `listen l
      mode http
      bind :80
      balance random(3)
      hash-type consistent
      http-reuse always
      fullconn 99
      option allbackups
      option redispatch 2
      option httpchk HEAD /up HTTP/1.1 example.com
      http-check send hdr X-A b body hello
      http-check expect ! rstatus ^5
      http-check disable-on-404
      option forwardfor except 10.0.0.0/8 header X-Client if-none
      stats uri /s
      stats realm a\\ realm
      stats auth u:p:q
      stats refresh 5s
      stats scope .
      stats admin if TRUE
      stats show-desc here
    backend plain
      option httpchk
    `,
  );
  const { backend, frontend } = all.proxies[0]!;
  t.match(backend, { balance: { algorithm: "random", arguments: ["3"], hashType: "consistent", avalanche: true } });
  t.match(backend, { httpReuse: "always", fullconn: 99, allBackups: true, redispatch: 2 });
  t.match(backend!.check, { kind: "httpchk", disableOn404: true, external: null });
  t.match(backend!.check.steps, [
    {
      ...{ kind: "request", method: "HEAD", uri: "/up", version: "HTTP/1.1", body: "hello" },
      headers: [
        { name: "Host", value: "example.com" },
        { name: "X-A", value: "b" },
      ],
    },
    { kind: "expect", negate: true, expectation: { on: "rstatus", pattern: "^5" } },
  ]);
  t.match(all.proxies[1]!.backend!.check.steps, [
    { kind: "request", method: "OPTIONS", uri: "/", version: "HTTP/1.0" },
    { kind: "expect", expectation: { on: "status", pattern: "200-399" } },
  ]);
  t.match(frontend!.stats, { uri: "/s", realm: "a realm", refreshSeconds: 5, scope: ["l"], showDescription: "here" });
  t.same(frontend!.stats!.auth, [{ user: "u", password: "p:q" }]);
  t.equal(frontend!.stats!.admin!.length, 1);
  t.match(frontend!.forwardFor, {
    header: "x-client",
    ifNone: true,
    except: [{ mask: new Uint8Array([255, 0, 0, 0]) }],
  });
});

t.test("rules of checks replace those of defaults", async (t) => {
  const rules = "option httpchk GET /d\n http-check send hdr a b\n http-check expect status 200";
  const own = ["", "option httpchk", "http-check send body x", "http-check expect status 204"];
  const all = await plan(t, `defaults\n ${rules}\n${own.map((line, i) => `backend b${i}\n ${line}\n`).join("")}`);
  const asked = all.proxies.map(({ backend }) => backend!.check.steps);
  const status = (pattern: string) => ({ kind: "expect", expectation: { on: "status", pattern } });
  t.match(asked[0], [{ uri: "/d", headers: [{ name: "a" }] }, status("200")]);
  for (const one of asked.slice(1, 3)) t.match(one, [{ method: "OPTIONS", uri: "/" }, status("200-399")]);
  t.match(asked[3], [{ uri: "/d" }, status("204")]);
});

t.test("sequences of HTTP checks, and sections of their own", async (t) => {
  const all = await plan(
    t,
    `healthcheck own
      type httpchk GET /own
      http-check set-var(check.a) str(b)
      http-check connect port 81 ssl sni a.example
      http-check send uri-lf "/%[var(check.a)]"
    backend b
      option httpchk GET /b
      http-check connect
      server plain 127.0.0.1:80 check
      server own 127.0.0.1:80 check healthcheck own verify none rise 1 observe layer4 error-limit 5
    `,
  );
  const kinds = (check: CheckPlan): string[] => check.steps.map(({ kind }) => kind);
  const { check } = all.proxies[0]!.backend!;
  t.same(kinds(check), ["connect", "request", "expect"], "the request goes behind the connection");
  const [plain, own] = all.servers.map((server) => server.check!);
  t.match(plain, { own: null, stepTls: null });
  t.same(kinds(own!.own!), ["variable", "connect", "request", "expect"]);
  t.match(own!.own!.steps[1], { port: 81, ssl: true, sni: "a.example", isDefault: false });
  t.match(own!.own!.steps[2], { method: "GET", uri: [{ kind: "text", text: "/" }, { kind: "sample" }] });
  t.match(own!.stepTls, { verify: false });
  t.match(all.servers[1], { observe: { layer: 4, errorLimit: 5, onError: "fail-check" } });
});
