// Sessions that are resumed without a ticket: found by every thread, forgotten in their order, never another's, and never waited for.

import { randomBytes } from "node:crypto";
import t from "tap";
import { newSessionCache, SESSION_BYTES_MAX, SessionCache } from "./session-cache.ts";

const BLOCKS = 200;

function twoOf(blocks = BLOCKS): {
  one: SessionCache;
  other: SessionCache;
  buffer: SharedArrayBuffer;
  clock: { ms: number };
} {
  const buffer = newSessionCache(blocks);
  const clock = { ms: 1000 };
  const now = () => clock.ms;
  return { one: new SessionCache(buffer, blocks, now), other: new SessionCache(buffer, blocks, now), buffer, clock };
}

const into = new Uint8Array(SESSION_BYTES_MAX);
const found = (cache: SessionCache, id: Uint8Array): string =>
  Buffer.from(into.subarray(0, cache.get(id, into))).toString("latin1");

t.test("what one keeps the other finds, until it is taken back", (t) => {
  const { one, other } = twoOf();
  const id = randomBytes(32);
  one.put(id, Buffer.from("a session"));
  t.equal(found(other, id), "a session");
  t.equal(found(other, randomBytes(32)), "");
  t.same([one.lookups, one.misses], [2, 1]);
  other.remove(id);
  t.equal(found(one, id), "");
  one.put(randomBytes(16), Buffer.from("an identifier of another length"));
  one.put(id, new Uint8Array(SESSION_BYTES_MAX + 1));
  t.equal(found(one, id), "", "too long");
  t.end();
});

t.test("the oldest go first, whatever their sizes; nobody gets another's", (t) => {
  const { one, other } = twoOf();
  const kept: { id: Buffer; text: string }[] = [];
  for (let i = 0; i < 5000; i++) {
    const id = randomBytes(32);
    const text = `${i} `.repeat(1 + (i % 300));
    one.put(id, Buffer.from(text, "latin1"));
    kept.push({ id, text });
    if (found(other, id) !== text) t.fail(`session ${i} is there at once`);
  }
  const there = kept.map(({ id, text }) => {
    const got = found(other, id);
    if (got !== "" && got !== text) t.fail("another's session");
    return got !== "";
  });
  const first = there.indexOf(true);
  t.ok(there.slice(first).filter(Boolean).length > 20, "most of the youngest are there");
  t.ok(kept.length - first <= BLOCKS, "the old ones are gone");
  t.end();
});

t.test("a successor of the same size takes all of it over, another nothing", (t) => {
  const { one } = twoOf();
  const id = randomBytes(32);
  one.put(id, Buffer.from("a session"));
  const heir = twoOf().one;
  heir.import(one.export());
  t.equal(found(heir, id), "a session");
  const larger = twoOf(BLOCKS * 4).one;
  larger.import(one.export());
  t.equal(found(larger, id), "");
  heir.import(new Uint8Array(3));
  t.equal(found(heir, id), "a session", "what is no cache changes nothing");
  t.end();
});

t.test("the lock of a thread that died is taken over, one that is held is not waited for", (t) => {
  const { one, buffer, clock } = twoOf();
  const id = randomBytes(32);
  one.put(id, Buffer.from("a session"));
  new Int32Array(buffer)[0] = clock.ms | 1;
  t.equal(found(one, id), "");
  clock.ms += 3000;
  t.equal(found(one, id), "a session");
  t.end();
});
