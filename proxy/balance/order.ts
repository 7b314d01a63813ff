// The orders that weights come to. Both were fitted to the order in which HAProxy 3.2 was seen to visit servers (balance.test.ts
// holds observations, oracle.test.ts asks a real one).
//
// roundrobin    weights 3:2:1 → s1 s2 s1 s3 s1 s2      5:1:1 → s1 s1 s1 s2 s1 s1 s3
// static        weights 3:2:1 → s1 s1 s2 s1 s2 s3      5:1:1 → s1 s1 s1 s2 s1 s1 s3
//
// Each gives every server exactly its weight's share in one round. (HAProxy's own roundrobin sometimes gives a server a turn of another
// in its first rounds, where the remainders of its divisions come out so, e.g. 5:6:7:3:3. We keep the shares.)

/** A server's place in a roundrobin round. */
interface Runner {
  readonly position: number;
  readonly weight: number;
  turns: number;
  /** When it is due: whole positions, and the rest in units of 1/weight. */
  due: number;
  rest: number;
  /** When it was queued, the last criterion. */
  queued: number;
}

/** Whether `a` comes before `b` in the queue: by whole position, then by rest less weight, then first come, first served. */
function isBefore(a: Runner, b: Runner): boolean {
  if (a.due !== b.due) return a.due < b.due;
  const keyA = a.rest - a.weight;
  const keyB = b.rest - b.weight;
  return keyA !== keyB ? keyA < keyB : a.queued < b.queued;
}

/** A binary heap, the first on top. */
class Heap<T> {
  readonly #items: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get top(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(item, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#isBefore(items[child + 1]!, items[child]!)) child++;
      if (!this.#isBefore(items[child]!, last)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
  }
}

/**
 * One round of roundrobin over positions in `weights`: a server of weight w is due every sum/w positions after it was visited; those not
 * yet visited in this round come in, heaviest first, whenever nobody is due.
 */
export function roundRobinOrder(weights: readonly number[]): Int32Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const waiting = weights
    .map((weight, position): Runner => ({ position, weight, turns: 0, due: 0, rest: 0, queued: 0 }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  const queue = new Heap(isBefore);
  const order = new Int32Array(total);
  let newcomers = 0;
  for (let position = 0; position < total; position++) {
    let next = queue.top;
    if ((next === undefined || next.due > position) && newcomers < waiting.length) {
      next = waiting[newcomers++]!;
      next.due = position;
    } else queue.pop();
    if (next === undefined) throw new Error("roundRobinOrder: the turns of all servers add up to less than a round");
    order[position] = next.position;
    const distance = total + next.rest;
    next.due += Math.floor(distance / next.weight);
    next.rest = distance % next.weight;
    next.queued = position;
    if (++next.turns < next.weight) queue.push(next);
  }
  return order;
}

/**
 * The static map: at each position every server's score rises by its weight, the first whose score has the most whole rounds in it is
 * taken and pays one round.
 *
 * Scores need not be looked at: a server's whole rounds (`credits`) rise at positions known beforehand, weight times in a round, so each
 * step is a few heap operations whatever the number of servers.
 */
export function staticOrder(weights: readonly number[]): Int32Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const order = new Int32Array(total);
  const credits = new Int32Array(weights.length).fill(1);
  const raises = new Int32Array(weights.length);
  // Servers whose credit rises at a position, as linked lists; each server stands in one list at a time.
  const heads = new Int32Array(total + 1).fill(-1);
  const nexts = new Int32Array(weights.length);
  const schedule = (server: number): void => {
    raises[server]!++;
    const position = Math.ceil((raises[server]! * total) / weights[server]!) - 1;
    nexts[server] = heads[position]!;
    heads[position] = server;
  };
  // levels[c] holds the servers with c credits; entries whose server has another number by now are passed over.
  const levels: Heap<number>[] = [];
  const place = (server: number): void => {
    const level = credits[server]!;
    while (levels.length <= level) levels.push(new Heap<number>((a, b) => a < b));
    levels[level]!.push(server);
  };
  for (const [server, weight] of weights.entries()) {
    if (weight === 0) continue;
    place(server);
    schedule(server);
  }
  for (let position = 0; position < total; position++) {
    let server = heads[position]!;
    while (server >= 0) {
      const next = nexts[server]!;
      credits[server]!++;
      place(server);
      if (raises[server]! < weights[server]!) schedule(server);
      server = next;
    }
    const best = highest(levels, credits);
    credits[best]!--;
    place(best);
    order[position] = best;
  }
  return order;
}

/** Takes the first server of the highest level that has one. */
function highest(levels: readonly Heap<number>[], credits: Int32Array): number {
  for (let level = levels.length - 1; level > 0; level--) {
    const heap = levels[level]!;
    for (let server = heap.top; server !== undefined; server = heap.top) {
      heap.pop();
      if (credits[server] === level) return server;
    }
  }
  throw new Error("staticOrder: nobody has a credit left");
}
