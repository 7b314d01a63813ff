// What is not served is named: refusals where the service depends on it, remarks where only people do.

import t from "tap";
import { missingCapabilities } from "./capabilities.ts";
import { loadText } from "./config/fixture.ts";
import { haPlan, instancePlan } from "./plan/fixture.ts";
import { refusalsOf, remarksOf } from "./refusals.ts";

t.test("refusals", async (t) => {
  const refused = (lines: string, check = "TCP_CHECK {\n }") => {
    const text = `virtual_server 10.0.0.9 80 {\n ${lines}\n real_server 10.0.0.1 80 {\n ${check}\n }\n}\n`;
    return refusalsOf(loadText(text).plan).map((refusal) => refusal.text);
  };
  const regex = (pattern: string) => `HTTP_GET {\n url {\n path /\n regex ${pattern}\n }\n }`;
  t.same(refused("lb_kind NAT"), []);
  t.match(refused("lb_kind TUN"), [/TUN: nftables cannot encapsulate/]);
  t.same(refused("lb_kind NAT", regex("^ok[[:space:]]")), []);
  t.match(refused("lb_kind NAT", regex("(?>ok)")), [/regex \(\?>ok\): atomic groups/]);
});

t.test("privileges", async (t) => {
  const plan = haPlan({ instances: [instancePlan()] });
  t.same(missingCapabilities(plan, 0b11n << 12n), []);
  t.match(missingCapabilities(plan, 0b10n << 12n), [/CAP_NET_ADMIN/]);
  t.match(missingCapabilities(plan, 0n), [/CAP_NET_ADMIN/, /CAP_NET_RAW/]);
  t.match(missingCapabilities(haPlan(), 0n), [/CAP_NET_ADMIN/], "virtual servers send nothing themselves");
});

t.test("remarks", async (t) => {
  t.same(remarksOf(haPlan({ instances: [instancePlan()] })), []);
  const { scheduling } = haPlan().global;
  const plan = haPlan({ instances: [instancePlan()] }, { scheduling: { ...scheduling, maxAutoPriority: 5 } });
  t.match(remarksOf(plan), [/max_auto_priority/]);
});
