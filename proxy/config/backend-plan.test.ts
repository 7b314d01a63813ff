// From text to plan: what backends do with their servers. The rest is in plan.test.ts.

import t from "tap";
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
  t.same(backend!.check, {
    ...{
      kind: "http",
      method: "HEAD",
      uri: "/up",
      version: "HTTP/1.1",
      body: "hello",
      disableOn404: true,
      steps: [],
      tellsSteps: false,
    },
    headers: [
      { name: "Host", value: "example.com" },
      { name: "X-A", value: "b" },
    ],
    expect: [{ kind: "rstatus", negate: true, pattern: "^5" }],
  });
  t.match(all.proxies[1]!.backend!.check, { method: "OPTIONS", uri: "/", version: "HTTP/1.0", expect: [] });
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
  const asked = all.proxies.map(({ backend }) => backend!.check);
  t.match(asked[0], { uri: "/d", headers: [{ name: "a" }], expect: [{ pattern: "200" }] });
  for (const one of asked.slice(1, 3)) t.match(one, { method: "OPTIONS", uri: "/", headers: [], expect: [] });
  t.match(asked[3], { uri: "/d", expect: [{ pattern: "204" }] });
});
