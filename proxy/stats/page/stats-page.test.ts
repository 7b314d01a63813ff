// The statistics page: who may see it, in which forms, that nothing from outside gets into it as HTML, and what its forms do.

import { createHash } from "node:crypto";
import t from "tap";
import type { WorkerAnswer, WorkerQuestion } from "../../control/control-plane.ts";
import { ControlFixture, planOf } from "../../control/fixture.ts";
import type { StatsPagePlan } from "../../plan/stats-page.ts";

import { ADMIN_STATE, SERVER } from "../../shared-state/layout.ts";
import { pageAddress, parsePageRequest } from "./page-request.ts";
import { duration } from "./proxy-table.ts";
import { StatsPage } from "./stats-page.ts";

const STATS: StatsPagePlan = {
  ...{ uri: "/stats", realm: 'HA"Proxy', auth: [], refreshSeconds: 0, hideVersion: false, showNode: null },
  ...{ showDescription: null, showLegends: false, showModules: false, scope: [], admin: null, httpRequest: [] },
};

function start(changes: Partial<StatsPagePlan>) {
  const fixture = new ControlFixture(
    planOf([
      { name: "fe", frontend: { stats: { ...STATS, ...changes } } },
      {
        name: "b1",
        servers: [{ check: true }, { name: "<script>alert(1)</script>" }, { name: "twin" }, { name: "twin" }],
      },
      { name: "b2", servers: [{}] },
    ]),
  );
  const { plan, states, statistics } = fixture;
  const page = new StatsPage({
    plan,
    states,
    statistics,
    facts: fixture.control.process,
    ha: fixture.ha,
    news: fixture.announcer.news,
  });
  const ask = (question: Partial<WorkerQuestion>): WorkerAnswer => {
    const base = {
      type: "ask",
      id: 1,
      kind: "stats",
      proxy: 0,
      method: "GET",
      uri: "/stats",
      authorization: null,
    } as const;
    return page.answer({ ...base, body: "", client: "127.0.0.1", admin: false, admitted: false, ...question });
  };
  return { fixture, ask };
}

const text = ({ body }: WorkerAnswer): string => Buffer.from(body).toString();
const header = ({ headers }: WorkerAnswer, name: string): string | undefined => headers.find(([n]) => n === name)?.[1];

t.test("forms of the page", async (t) => {
  const { fixture, ask } = start({ refreshSeconds: 7 });
  t.teardown(() => fixture.close());
  const page = ask({});
  t.equal(page.status, 200);
  t.equal(header(page, "content-type"), "text/html; charset=utf-8");
  t.match(text(page), /<noscript><meta http-equiv="refresh" content="7"><\/noscript>/, "scripts do better");
  t.match(text(page), 'data-every="7000"');
  t.match(text(page), "ringway <small>3.2.0-test");
  t.equal(text(page).match(/<script/gi)?.length, 1, "a server's name is no HTML: the only script is the page's");
  t.match(text(page), "&lt;script&gt;alert(1)&lt;/script&gt;");
  const visible = text(page).replace(/<script>.*<\/script>/s, "");
  t.notMatch(visible, /https?:|<link rel="stylesheet"|undefined|NaN|\[object/, "nothing from elsewhere");
  const policy = header(page, "content-security-policy") ?? "";
  const script = /<script>(.*)<\/script>/s.exec(text(page))?.[1] ?? "";
  t.match(policy, createHash("sha256").update(script).digest("base64"), "this script may run");
  t.notMatch(policy, /unsafe|\*/);
  t.notMatch(visible, / style=| on[a-z]+=/, "and nothing else that the policy would stop");
  t.match(text(page), /<tr class="server going-down" data-key="b1\/s1">.*s1/);
  t.notMatch(text(page), /<form method="post"/);
  t.notMatch(text(ask({ uri: "/stats;norefresh" })), /http-equiv="refresh"/);
  const csv = ask({ uri: "/stats;csv;scope=b1" });
  t.equal(header(csv, "content-type"), "text/plain");
  t.match(text(csv), /^# pxname,svname,/);
  t.match(text(csv), /\nb1,BACKEND,/);
  t.notMatch(text(csv), /\nb2,|\nfe,/);
  t.equal(text(ask({ uri: "/stats?;csv;scope=b1" })), text(csv), "options may stand in the query");
  t.equal(JSON.parse(text(ask({ uri: "/stats;json" }))).length, 8);
  t.match(text(ask({ uri: "/stats;typed;up" })), /^F\.2\.0\.0\.pxname\.1:KNS:str:fe\n/);
  t.match(JSON.parse(text(ask({ uri: "/stats;json-schema" }))), { oneOf: [{ title: "Info" }, { title: "Stat" }] });
  t.match(text(ask({ uri: "/stats?scope=%3Cb%3E" })), 'value="&lt;b&gt;"');
  t.match(text(ask({ uri: "/stats;st=DONE" })), "Action processed successfully.");
  t.match(text(ask({ uri: "/stats;st=toString" })), "Unexpected result.");
});

t.test("what the open page asks for", async (t) => {
  const { fixture, ask } = start({});
  t.teardown(() => fixture.close());
  fixture.statistics.history.tick();
  const live = (uri: string) => JSON.parse(text(ask({ uri })));
  t.match(text(ask({ uri: "/stats?scope=b1" })), 'data-live="/stats?scope=b1&amp;live="');
  const all = live("/stats;live=");
  const keys = all.rows.map(({ key }: { key: string }) => key);
  t.strictSame(keys.slice(0, 3), ["fe/FRONTEND", "b1/s1", "b1/<script>alert(1)</script>"]);
  t.equal(all.rows[0].cells.length, 30, "a cell per column");
  t.equal(all.charts[0].series.requests.length, 1);
  t.equal(all.workers.length, 2);
  fixture.states.setAdministrativeState(fixture.plan.servers[0]!, "maint");
  fixture.statistics.history.tick();
  const more = live(`/stats;live=${all.known}`);
  t.equal(more.charts[0].series.requests.length, 1, "only what is new");
  t.match(more.news, [{ proxy: "b1", server: "s1", text: /going DOWN for maintenance/ }]);
  t.match(more.rows[1], { key: "b1/s1", style: "server maint" });
  t.strictSame(live(`/stats;live=${more.known}`).news, []);
  t.strictSame(live("/stats?scope=b2&live=99999.99999").news, [], "a page of a former process");
  t.equal(live("/stats?scope=b2&live=x.y").charts[0].series.requests.length, 2);
});

t.test("settings", async (t) => {
  const { fixture, ask } = start({
    hideVersion: true,
    scope: [".", "b2"],
    showNode: "",
    showDescription: "our <site>",
  });
  t.teardown(() => fixture.close());
  const page = text(ask({}));
  t.notMatch(page, "3.2.0-test");
  t.notMatch(page, 'id="b1"');
  t.match(page, 'id="fe"');
  t.match(page, 'id="b2"');
  t.match(page, "on here: our &lt;site&gt;");
});

t.test("authentication", async (t) => {
  const { fixture, ask } = start({ auth: [{ user: "admin", password: "se:cret" }] });
  t.teardown(() => fixture.close());
  const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString("base64")}`;
  const refused = ask({});
  t.equal(refused.status, 401);
  t.equal(header(refused, "www-authenticate"), 'Basic realm="HA\\"Proxy"');
  t.notMatch(text(refused), "b1");
  for (const wrong of [basic("admin:secret"), basic("admin"), basic(""), "Bearer x", "Basic", "Basic !!!"]) {
    t.equal(ask({ authorization: wrong }).status, 401, wrong);
  }
  t.equal(ask({ authorization: basic("admin:se:cret") }).status, 200);
  t.equal(ask({ authorization: basic("admin:se:cret").replace("Basic", "basic ") }).status, 200);
  t.equal(ask({ admitted: true }).status, 200, "a rule let it in");
  t.equal(ask({ method: "POST", admin: true, body: "s=s1&action=maint&b=b1" }).status, 401, "forms need it too");
});

t.test("forms that change servers", async (t) => {
  const { fixture, ask } = start({});
  t.teardown(() => fixture.close());
  const { shared } = fixture;
  const post = (body: string, admin = true, uri = "/stats"): string | undefined => {
    const answer = ask({ method: "POST", body, admin, uri });
    t.equal(answer.status, 303);
    return header(answer, "location");
  };
  t.match(text(ask({ admin: true })), /<form method="post" action="\/stats">/);
  const admin = (server: number): number => shared.words[shared.serverAt(server) + SERVER.adminState];
  t.equal(post("s=s1&action=maint&b=b1", false), "/stats;st=DENY");
  t.equal(admin(0), 0);
  t.equal(post("s=s1&action=maint&b=%233"), "/stats;st=DONE", "a backend by its id");
  t.equal(admin(0), ADMIN_STATE.forcedMaint);
  t.equal(post("s=s1&s=nobody&action=ready&b=b1", true, "/stats;up?scope=b"), "/stats;up;st=PART?scope=b");
  t.equal(admin(0), 0);
  t.equal(post("s=s1&action=stop&b=b1"), "/stats;st=DONE", "older names of actions");
  t.equal(admin(0), ADMIN_STATE.forcedDrain);
  t.equal(post("s=twin&action=maint&b=b1"), "/stats;st=NONE", "an ambiguous name");
  t.equal(post("action=maint&b=b1"), "/stats;st=NONE");
  t.equal(post("s=s1&action=explode&b=b1"), "/stats;st=ERRP");
  t.equal(post("s=s1&action=maint&b=nobody"), "/stats;st=ERRP");
  t.equal(post("s=s1&action=__proto__&b=%ZZ"), "/stats;st=ERRP");
  t.equal(post("s=s1&action=dhlth&b=b1"), "/stats;st=DONE");
  t.equal(shared.words[shared.serverAt(0) + SERVER.checkEnabled], 0);
  post("s=s1&action=hdown&b=b1");
  t.match(fixture.takeSaid().at(-1), "Server b1/s1 is DOWN, changed from CLI.");
  post("s=s1&action=shutdown&b=b1");
  t.ok(fixture.messages.some(({ type }) => type === "shutdown-server-sessions"));
});

t.test("addresses", async (t) => {
  for (const address of ["/", "/;csv", "/;json;norefresh;up?scope=a%20b", "/;no-maint;st=DONE"]) {
    t.equal(pageAddress("/", parsePageRequest(address.slice(1))), address);
  }
  t.equal(parsePageRequest("?scope=%").scope, "%");
  t.strictSame([5, 65, 3660, 90000].map(duration), ["5s", "1m5s", "1h1m", "1d1h"]);
});
