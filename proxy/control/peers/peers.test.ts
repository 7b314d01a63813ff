// The peers protocol by itself: its integers, its messages as HAProxy writes them, and what comes of malformed ones.

import { createConnection, type Socket } from "node:net";
import t from "tap";
import type { Plan } from "../../plan/plan.ts";
import { SharedState } from "../../shared-state/layout.ts";
import { addRate, addUint, readUint, valueAt } from "../../stick-table/counters.ts";
import { DATA_TYPE_BY_NAME } from "../../stick-table/data-types.ts";
import type { StickTable } from "../../stick-table/table.ts";
import { freePorts } from "../../test/lab/ports.ts";
import { until } from "../../test/lab/time.ts";
import { type ProxyChanges, planOf } from "../fixture.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { SentWords } from "./dictionary.ts";
import { Peers } from "./peers.ts";
import { definition, readDefinition, readUpdate, update } from "./table-messages.ts";

const id = (name: string): number => DATA_TYPE_BY_NAME.get(name)!.id;

t.test("packed integers", (t) => {
  const writer = new ByteWriter(64);
  for (const value of [0, 1, 239, 240, 0x1234, 2287, 2288, 264_431, 264_432, 4_294_967_295, 2 ** 40 + 7, 2 ** 53 - 1]) {
    writer.reset();
    writer.packed(value);
    const bytes = writer.take();
    const reader = new ByteReader(bytes, 0, bytes.length);
    t.equal(reader.packed(), value);
    t.equal(reader.low, Number(BigInt.asIntN(32, BigInt(value))));
    t.same([reader.at, reader.failed], [bytes.length, false]);
  }
  writer.reset();
  writer.packed(0x1234);
  t.equal(writer.take().toString("hex"), "f49401", "the documentation's example");
  writer.reset();
  writer.packedSigned(-7);
  const negative = writer.take();
  const reader = new ByteReader(negative, 0, negative.length);
  t.equal(reader.packedWord(), -7);
  t.equal(negative.length, 10);
  for (const bytes of [[], [0xff], [0xff, 0x80, 0x80], Array(20).fill(0xff)]) {
    const cut = new ByteReader(Uint8Array.from(bytes), 0, bytes.length);
    cut.packed();
    t.equal(cut.failed, true, `${bytes.length} bytes`);
  }
  t.end();
});

t.test("words are numbered once, the one used longest ago gives its number away", (t) => {
  const words = new SentWords();
  t.equal(words.numberOf(500), -1);
  t.equal(words.numberOf(500), 1);
  for (let word = 1; word < 128; word++) words.numberOf(word);
  t.equal(words.numberOf(500), 1);
  t.equal(words.numberOf(900), -2, "in place of word 1");
  t.equal(words.numberOf(1), -3);
  t.end();
});

/** A plan with a table that a `peers` section exchanges. */
function planWith(name: string, other: { name: string; port: number }, port: number): Plan {
  const backend: ProxyChanges = { name: "be", backend: {}, servers: [{ name: "s1" }, { name: "s2" }] };
  const stores = [
    ["server_id", 1, 0],
    ["conn_cur", 1, 0],
    ["http_req_cnt", 1, 0],
    ["http_req_rate", 1, 10_000],
    ["bytes_in_cnt", 1, 0],
    ["server_key", 1, 0],
    ["gpc", 3, 0],
  ] as const;
  return {
    ...planOf([backend], { localpeer: name }),
    peers: [
      {
        ...{ name: "p", disabled: false, bind: { host: "127.0.0.1", port }, at: { file: "t.cfg", line: 1 } },
        peers: [
          { name, isLocal: true, address: null },
          { name: other.name, isLocal: false, address: { host: "127.0.0.1", port: other.port } },
        ],
      },
    ],
    stickTables: [
      {
        ...{
          index: 0,
          name: "t",
          wireName: "t",
          peers: 0,
          keyType: "string",
          keyBytes: 20,
          size: 100,
          expireMs: 60_000,
        },
        ...{ noPurge: false, receiveOnly: false, writeTo: -1, serverKey: "name", byteRateFactor: 1 },
        stores: stores.map(([store, count, periodMs]) => ({ name: store, count, periodMs })),
        at: { file: "t.cfg", line: 2 },
      },
    ],
  };
}

const key = (table: StickTable, text: string): void => table.keyText(Buffer.from(text), 0, text.length);

/** Does something to the entry of a key. */
function change(table: StickTable, text: string, act: (slot: number) => void): void {
  key(table, text);
  const slot = table.obtain();
  act(slot);
  table.touch(slot);
  table.release(slot);
}

function read(table: StickTable, text: string, name: string, element = 0): number | null {
  key(table, text);
  const slot = table.find();
  if (slot < 0) return null;
  const value = readUint(table.rows, valueAt(table, slot, id(name), element));
  table.release(slot);
  return value;
}

t.test("what one writes the other reads", (t) => {
  const ours = new SharedState(planWith("a", { name: "b", port: 1 }, 2));
  const theirs = new SharedState(planWith("b", { name: "a", port: 1 }, 2));
  const [mine] = ours.stickTables.tables as [StickTable];
  const [yours] = theirs.stickTables.tables as [StickTable];
  const now = ours.stickTables.clock.sharedMs;
  change(mine, "k", (slot) => {
    const at = (name: string, element = 0): number => valueAt(mine, slot, id(name), element);
    Atomics.store(mine.rows, at("server_id"), -3);
    addUint(mine.rows, at("conn_cur"), 9);
    addUint(mine.rows, at("http_req_cnt"), 4_000_000_000);
    addRate(mine.rows, at("http_req_rate"), 10_000, now, 5);
    addUint(mine.rows, at("gpc", 2), 77);
    Atomics.store(mine.rows, at("server_key"), ours.stickTables.serverKeys.number("s2"));
  });
  const defined = definition(mine, 3);
  const reader = new ByteReader(defined, 3, defined.length);
  const { id: wireId, remote } = readDefinition(reader, defined, [yours]);
  t.equal(wireId, 3);
  t.equal(reader.failed, false);
  key(mine, "k");
  const slot = mine.find();
  const words = new SentWords();
  const received: (number | undefined)[] = [];
  for (const time of ["with the server's name", "with its number"]) {
    const options = { id: 12, isTimed: true, words, keys: ours.stickTables.serverKeys, now };
    const message = update(mine, slot, options);
    const updates = new ByteReader(message, 3, message.length);
    const reading = { hasId: true, isTimed: true, words: received, keys: theirs.stickTables.serverKeys, now };
    t.equal(readUpdate(updates, message, remote!, reading, null), 12);
    t.same([updates.failed, updates.at], [false, message.length], time);
    t.equal((read(yours, "k", "server_id") ?? 0) | 0, -3);
    t.equal(read(yours, "k", "conn_cur"), 0, "is nobody else's business");
    t.equal(read(yours, "k", "http_req_cnt"), 4_000_000_000);
    t.equal(read(yours, "k", "gpc", 2), 77);
    t.equal(theirs.stickTables.serverKeys.word(read(yours, "k", "server_key")!), "s2");
    // Every way to cut it short is noticed, and does no harm.
    for (let length = 3; length < message.length; length++) {
      const cut = new ByteReader(message, 3, length);
      readUpdate(cut, message, remote!, { ...reading, words: [] }, null);
      if (!cut.failed) t.fail(`${length} of ${message.length} bytes`);
    }
  }
  mine.release(slot);
  t.end();
});

/** Says hello as peer `from` and gives what comes back first. */
async function hello(port: number, lines: string): Promise<{ socket: Socket; status: string }> {
  const socket = createConnection({ host: "127.0.0.1", port });
  let received = "";
  socket.on("error", () => {});
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  socket.write(lines, "latin1");
  await until("a status", () => received.includes("\n"));
  return { socket, status: received.slice(0, 3) };
}

t.test(
  "two processes: what changes here is there, what was there before is learned, hostile peers are sent away",
  async (t) => {
    const [portA, portB] = await freePorts(2);
    const [planA, planB] = [
      planWith("a", { name: "b", port: portB }, portA),
      planWith("b", { name: "a", port: portA }, portB),
    ];
    const start = (plan: Plan): { table: StickTable; peers: Peers } => {
      const { stickTables } = new SharedState(plan);
      const peers = new Peers({ plan, tables: stickTables, warn: (text) => t.fail(text) });
      peers.start();
      t.teardown(() => peers.close());
      return { table: stickTables.tables[0]!, peers };
    };
    const a = start(planA);
    change(a.table, "before", (slot) => addUint(a.table.rows, valueAt(a.table, slot, id("gpc"), 1), 5));
    let b = start(planB);
    await until("b learned what a had", () => read(b.table, "before", "gpc", 1) === 5);
    for (let i = 0; i < 50; i++) {
      change(a.table, `k${i}`, (slot) => addUint(a.table.rows, valueAt(a.table, slot, id("http_req_cnt")), i));
      change(b.table, `m${i}`, (slot) => addUint(b.table.rows, valueAt(b.table, slot, id("http_req_cnt")), i));
    }
    await until("changes of a reach b", () => read(b.table, "k49", "http_req_cnt") === 49);
    await until("changes of b reach a", () => read(a.table, "m49", "http_req_cnt") === 49);
    b.peers.close();
    change(a.table, "while b was away", (slot) => addUint(a.table.rows, valueAt(a.table, slot, id("gpc")), 1));
    b = start(planB);
    await until(
      "a new b learns everything",
      () => read(b.table, "while b was away", "gpc") === 1 && read(b.table, "m7", "http_req_cnt") === 7,
    );

    for (const [lines, status] of [
      ["HAProxyS 2.1\nnobody\nb 1 1\n", "503"],
      ["HAProxyS 2.1\na\nnobody 1 1\n", "504"],
      ["HAProxyS 3.0\na\nb 1 1\n", "502"],
      ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "501"],
      [`${"x".repeat(5000)}`, "501"],
    ] as const) {
      const answer = await hello(portA, lines);
      t.equal(answer.status, status, lines.slice(0, 20));
      answer.socket.destroy();
    }
    for (const bytes of [
      [10, 128, 0xff, 0xff, 0xff, 0x7f],
      [10, 130, 2, 1, 200],
      [255, 0],
      [10, 129, 3, 1, 2, 3, 77, 1],
    ]) {
      const answer = await hello(portA, "HAProxyS 2.1\na\nb 1 1\n");
      t.equal(answer.status, "200");
      answer.socket.write(Buffer.from(bytes));
      await until("the session ends", () => answer.socket.destroyed || answer.socket.readyState !== "open");
      answer.socket.destroy();
    }
    change(b.table, "after all that", (slot) => addUint(b.table.rows, valueAt(b.table, slot, id("gpc")), 3));
    await until("the real peer is back", () => read(a.table, "after all that", "gpc") === 3);
  },
);
