// What tracked things do to priorities and faults, and how dropped packets are told of.

import t from "tap";
import { NO_TRACKING } from "../plan/fixture.ts";
import type { TrackingPlan } from "../plan/track.ts";
import { REJECTION } from "../vrrp/rejection.ts";
import { Rejections } from "./rejections.ts";
import { effectOf, type TrackerState } from "./trackers.ts";

const effect = (tracking: Partial<TrackingPlan>, state: TrackerState | null, interfaceUp = true) =>
  effectOf(
    [{ ...NO_TRACKING, ...tracking }],
    () => state,
    (kind, index) => `${kind}${index}`,
    () => interfaceUp,
  );
const UP = { up: true, value: 0 };
const DOWN = { up: false, value: 0 };

t.test("weights", async (t) => {
  const of = (weight: number, reverse: boolean, state: TrackerState) => {
    const { weight: points, faults } = effect({ scripts: [{ index: 0, weight, reverse }] }, state);
    return faults.length > 0 ? "fault" : points;
  };
  t.same([of(0, false, UP), of(0, false, DOWN)], [0, "fault"]);
  t.same([of(20, false, UP), of(20, false, DOWN)], [20, 0]);
  t.same([of(-20, false, UP), of(-20, false, DOWN)], [0, -20]);
  // As measured with keepalived 2.2.7.
  t.same([of(20, true, UP), of(20, true, DOWN)], [-20, 0], "reverse");
  t.same([of(-20, true, UP), of(-20, true, DOWN)], [0, 20]);
  t.same([of(0, true, UP), of(0, true, DOWN)], ["fault", 0]);
});

t.test("files, interfaces, what is not known yet", async (t) => {
  const file = (weight: number, value: number, reverse = false) =>
    effect({ files: [{ index: 0, weight, reverse }] }, { up: true, value });
  t.equal(file(2, 5).weight, 10);
  t.equal(file(2, 5, true).weight, -10);
  t.same(file(0, 1).faults, ["file file0 failed"]);
  t.same(file(0, 0).faults, []);
  t.same(file(1, -254).faults, ["file file0 failed"]);
  t.equal(file(1, -253).weight, -253);

  const interfaces = [{ interface: "eth1", weight: 0, reverse: false }];
  t.same(effect({ interfaces }, null, false).faults, ["tracked interface eth1 is down"]);
  t.same(effect({ interfaces }, null, true).faults, []);
  t.equal(effect({ scripts: [{ index: 0, weight: 0, reverse: false }] }, null).isIncomplete, true);
  t.equal(effect({ scripts: [{ index: 0, weight: 0, reverse: false }] }, UP).isIncomplete, false);
});

t.test("dropped packets do not fill the log", async (t) => {
  const rejections = new Rejections();
  t.equal(rejections.take(REJECTION.CHECKSUM, 0), 1, "the first one is told at once");
  let told = 0;
  for (let i = 1; i < 50_000; i++) told += rejections.take(REJECTION.CHECKSUM, i / 10);
  t.equal(told, 0);
  t.equal(rejections.take(REJECTION.TTL, 100), 1, "another reason too");
  t.equal(rejections.take(REJECTION.CHECKSUM, 10_000), 50_000);
  t.same(rejections.counts(), { "wrong checksum": 50_001, "TTL or hop limit is not 255": 1 });
});
