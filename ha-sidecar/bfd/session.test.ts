// Two sessions that talk over a simulated wire; packets that are none.

import t from "tap";
import { address } from "../plan/fixture.ts";
import type { BfdPlan } from "../plan/track.ts";
import { type BfdPacket, readBfdPacket, writeBfdPacket } from "./packet.ts";
import { BfdSession } from "./session.ts";

const PLAN: BfdPlan = {
  name: "peer",
  neighborIp: address("10.0.0.2"),
  sourceIp: null,
  minRxMs: 10,
  minTxMs: 10,
  idleTxMs: 1000,
  multiplier: 3,
  passive: false,
  ttl: 255,
  maxHops: 0,
  multihop: false,
  weight: 0,
  reverse: false,
  forVrrp: true,
  forCheckers: true,
  at: { file: "", line: 1 },
};

class Wire {
  nowMs = 0;
  isCut = false;
  sent = 0;
  readonly events: string[] = [];
  readonly sessions: BfdSession[] = [];
  #waiting: { readonly to: number; readonly packet: BfdPacket }[] = [];

  add(changes: Partial<BfdPlan> = {}): BfdSession {
    const index = this.sessions.length;
    const session = new BfdSession({ ...PLAN, ...changes }, index + 1, {
      nowMs: () => this.nowMs,
      random: () => 0.5,
      send: (bytes) => {
        this.sent++;
        if (!this.isCut) this.#waiting.push({ to: 1 - index, packet: readBfdPacket(bytes)! });
      },
      onChanged: (isUp, isLost) => this.events.push(`${index} ${isUp ? "up" : isLost ? "lost" : "down"}`),
    });
    this.sessions.push(session);
    return session;
  }

  run(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs++) {
      const arrived = this.#waiting;
      this.#waiting = [];
      for (const { to, packet } of arrived) this.sessions[to]?.receive(packet);
      for (const session of this.sessions) if (this.nowMs >= session.nextDeadlineMs) session.tick();
    }
  }
}

t.test("three ways up, fast afterwards, lost within the detection time", async (t) => {
  const wire = new Wire();
  const [a, b] = [wire.add(), wire.add({ passive: true })];
  a.start(false);
  b.start(false);
  wire.run(50);
  t.same([a.state, b.state], ["Up", "Up"]);
  t.same(wire.events.sort(), ["0 up", "1 up"]);
  const before = wire.sent;
  wire.run(1000);
  const perSecond = (wire.sent - before) / 2;
  t.ok(perSecond > 90 && perSecond < 140, `${perSecond} packets a second: every 10 ms less the spread`);
  wire.isCut = true;
  wire.run(35);
  t.same(wire.events.slice(2).sort(), ["0 lost", "1 lost"]);
  wire.isCut = false;
  wire.run(3000);
  t.same([a.state, b.state], ["Up", "Up"], "and up again");
});

t.test("a goodbye is no loss, and a session that was up before a reload counts until it is", async (t) => {
  const wire = new Wire();
  const [a, b] = [wire.add(), wire.add()];
  a.start(false);
  b.start(false);
  wire.run(1500);
  a.stop();
  wire.run(20);
  t.same(wire.events.slice(2), ["1 down"]);
  t.equal(b.isUp, false);
  const other = new Wire();
  const alone = other.add();
  alone.start(true);
  t.equal(alone.isUp, true);
  other.run(6000);
  t.equal(alone.isUp, false);
  t.same(other.events, ["0 down"]);
});

t.test("what is not a packet for a session changes nothing", async (t) => {
  const good = writeBfdPacket({
    diagnostic: 0,
    state: "Up",
    poll: false,
    final: false,
    multiplier: 3,
    myDiscriminator: 7,
    yourDiscriminator: 1,
    minTxMs: 10,
    minRxMs: 10,
  });
  t.match(readBfdPacket(good), { state: "Up", myDiscriminator: 7, minTxMs: 10 });
  const changed = (at: number, value: number) => {
    const bytes = Uint8Array.from(good);
    bytes[at] = value;
    return readBfdPacket(bytes);
  };
  t.equal(changed(0, 0x40), null, "version 2");
  t.equal(changed(1, good[1]! | 4), null, "authenticated");
  t.equal(changed(1, good[1]! | 1), null, "multipoint");
  t.equal(changed(1, good[1]! | 0x30), null, "poll and final");
  t.equal(changed(2, 0), null, "multiplier 0");
  t.equal(changed(3, 23), null, "too short by its own length");
  t.equal(changed(3, 48), null, "longer than it is");
  t.equal(changed(7, 0), null, "no discriminator");
  t.equal(changed(11, 0), null, "up without ours");
  const wire = new Wire();
  const session = wire.add();
  session.start(false);
  session.receive({ ...readBfdPacket(good)!, yourDiscriminator: 99 });
  t.equal(session.state, "Down", "another session's");
  let taken = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = Uint8Array.from({ length: Math.floor(Math.random() * 40) }, () => Math.random() * 256);
    const packet = readBfdPacket(bytes);
    if (packet === null) continue;
    taken++;
    session.receive(packet);
  }
  t.equal(session.isUp, false, `noise: ${taken} of 20000 were packets, none brought it up`);
});
