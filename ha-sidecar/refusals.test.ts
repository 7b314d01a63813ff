// What is not served is named: refusals where the service depends on it, remarks where only people do.

import t from "tap";
import { missingCapabilities } from "./capabilities.ts";
import { haPlan, instancePlan, NO_TRACKING } from "./plan/fixture.ts";
import type { InstancePlan } from "./plan/vrrp.ts";
import { refusalsOf, remarksOf } from "./refusals.ts";

const refused = (changes: Partial<InstancePlan>) =>
  refusalsOf(haPlan({ instances: [instancePlan(changes)] })).map(({ text }) => text);

t.test("refusals", async (t) => {
  t.same(refused({}), [], "an ordinary instance is served");
  t.same(refused({ accept: false }), [], "no_accept");
  t.match(refused({ authentication: { type: "ah", data: new Uint8Array(8) } }), [/AH/]);
  const tracked = [{ index: 0, weight: 0, reverse: false }];
  t.same(refused({ tracking: { ...NO_TRACKING, bfds: tracked, processes: tracked } }), []);
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
