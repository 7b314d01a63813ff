// The queues of a connection without a socket: how many buffers small pieces may occupy, what a short or a completed send leaves
// behind when bytes were joined to it meanwhile, and how often a head that comes byte by byte is worth a look.

import t from "tap";
import { createArena } from "../../shared/arena/arena.ts";
import { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { STREAM } from "../stream/stream.ts";
import { ReceiveQueue } from "./receive-queue.ts";
import { GATHER_BYTES, SendQueue } from "./send-queue.ts";
import { CONNECTION, Connections } from "./table.ts";

const ROWS = 2;
const SLOT = 1;
const BUFFERS = 64;
const BUFFER_BYTES = 4096;

function queues(parent: { teardown(fn: () => void): unknown }) {
  const made = createArena(BUFFERS * BUFFER_BYTES + ROWS * GATHER_BYTES + 8192);
  if (!made.ok) throw new Error(`no arena: ${made.errno}`);
  const { arena } = made;
  parent.teardown(() => arena.destroy());
  const pool = new BufferPool(arena, BUFFERS, BUFFER_BYTES);
  const table = new Connections(ROWS);
  const filled = (text: string): number => {
    const buffer = pool.take();
    pool.end[buffer]! += arena.bytes.write(text, pool.start[buffer]!, "latin1");
    return buffer;
  };
  /** What waits to be sent, as one text. */
  const waiting = (): string => {
    let text = "";
    for (let at = table.sendHead[SLOT]!; at >= 0; at = pool.next[at]!)
      text += arena.bytes.toString("latin1", pool.start[at]!, pool.end[at]!);
    return text;
  };
  const sending = new SendQueue(table, pool, arena);
  const receiving = new ReceiveQueue(table, pool, arena.bytes);
  return { arena, pool, table, filled, waiting, sending, receiving };
}

t.test("small pieces share a buffer: bytes, not pieces, fill the memory", async (t) => {
  const { pool, table, filled, waiting, sending } = queues(t);
  let expected = "";
  for (let i = 0; i < 3000; i++) {
    const text = `${i};`;
    expected += text;
    sending.append(SLOT, filled(text));
  }
  t.equal(waiting(), expected);
  t.equal(table.sendBytes[SLOT], expected.length);
  t.ok(BUFFERS - pool.available <= Math.ceil(expected.length / BUFFER_BYTES) + 1);

  // What does not fit behind the last one stands on its own, and so do large pieces.
  const large = "l".repeat(3000);
  sending.append(SLOT, filled(large));
  sending.append(SLOT, filled("small"));
  t.equal(waiting(), `${expected}${large}small`);
  sending.freeAll(SLOT);
  t.equal(pool.available, BUFFERS, "all are back");
  t.equal(table.sendBytes[SLOT], 0);
});

t.test("bytes joined while a send is under way are not taken for sent", async (t) => {
  for (const sent of [0, 1, 5]) {
    const { pool, table, filled, waiting, sending } = queues(t);
    sending.append(SLOT, filled("first"));
    // The kernel has been told of five bytes here.
    sending.append(SLOT, filled("second"));
    sending.dropSent(SLOT, sent);
    t.equal(waiting(), "firstsecond".slice(sent));
    t.equal(table.sendBytes[SLOT], 11 - sent);
    sending.dropSent(SLOT, 11 - sent);
    t.equal(table.sendHead[SLOT], -1);
    t.equal(table.sendTail[SLOT], -1);
    t.equal(pool.available, BUFFERS);
  }
});

t.test("a gather under way, and more behind its last buffer", async (t) => {
  const { arena, pool, filled, waiting, sending } = queues(t);
  const pieces = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(3000));
  for (const piece of pieces) sending.append(SLOT, filled(piece));
  const header = sending.writeGather(SLOT) >> 2;
  t.equal(arena.i32[header + 6], 8, "eight of ten");
  sending.append(SLOT, filled("end"));
  sending.dropSent(SLOT, 8 * 3000 - 10);
  t.equal(waiting(), `${"7".repeat(10)}${pieces[8]}${pieces[9]}end`);
  sending.freeAll(SLOT);
  t.equal(pool.available, BUFFERS);
});

t.test("a head that comes byte by byte is looked at once a line", async (t) => {
  const { pool, table, filled, receiving } = queues(t);
  const head = `GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(1000)}\r\n\r\n`;
  let looks = 0;
  for (const byte of head) {
    receiving.append(SLOT, filled(byte));
    receiving.joined(SLOT);
    if (receiving.headMayEnd(SLOT)) looks++;
  }
  t.equal(looks, 5, "the first byte and four line ends");
  t.equal(BUFFERS - pool.available, 1, "in one buffer");
  pool.free(receiving.take(SLOT));
  t.equal(table.headSeenBytes[SLOT], 0, "the next head is another one");

  // A head that fills the buffer without an end has to be refused, so it is looked at.
  receiving.append(SLOT, filled("z"));
  t.equal(receiving.headMayEnd(SLOT), true);
  receiving.append(SLOT, filled("z".repeat(BUFFER_BYTES - 1)));
  receiving.joined(SLOT);
  t.equal(receiving.headMayEnd(SLOT), true);
  receiving.freeAll(SLOT);
});

t.test("flags are bits of their own", (t) => {
  for (const flags of [CONNECTION, STREAM]) {
    const values = Object.values(flags);
    t.equal(new Set(values).size, values.length, "no bit has two names");
    t.ok(values.every((value) => (value & (value - 1)) === 0));
  }
  t.end();
});
