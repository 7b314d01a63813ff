// A worker's queues of waiting streams, one per server and one per backend: doubly linked through Stream.queueNext/queuePrevious, so that
// leaving from anywhere and serving the head cost the same however long a queue is, and nothing is allocated. So does joining, where all streams
// have the same priority (`set-priority-*`): a stream looks for its place from the end on.
//
// The queues that are not empty stand in a list of their own, so that looking after waiters costs nothing while there are none.

import type { Stream, Streams } from "../stream/stream.ts";

const NONE = -1;
/** More than any time and offset together. */
const CLASS_STEP = 2 ** 40;

export class WaitingQueues {
  readonly #streams: Streams;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  /** Queue of each stream by slot, NONE: it does not wait. */
  readonly #queueOf: Int32Array;
  /** Order in which streams joined any queue of this worker. */
  readonly #joined: Float64Array;
  #joins = 0;
  /** What decides before that order: the time of joining in milliseconds, and what rules added to it. */
  readonly #keys: Float64Array;
  /** The queues that are not empty, in no order, and where each stands in there. */
  readonly #active: Int32Array;
  readonly #activeAt: Int32Array;
  #activeCount = 0;

  constructor(queues: number, streams: Streams) {
    this.#streams = streams;
    this.#heads = new Int32Array(queues).fill(NONE);
    this.#tails = new Int32Array(queues).fill(NONE);
    this.#queueOf = new Int32Array(streams.capacity).fill(NONE);
    this.#joined = new Float64Array(streams.capacity);
    this.#keys = new Float64Array(streams.capacity);
    this.#active = new Int32Array(queues);
    this.#activeAt = new Int32Array(queues).fill(NONE);
  }

  get activeCount(): number {
    return this.#activeCount;
  }

  /** The i-th queue that is not empty. */
  active(i: number): number {
    return this.#active[i]!;
  }

  isEmpty(queue: number): boolean {
    return this.#heads[queue] === NONE;
  }

  /** Slot of the first stream, -1: the queue is empty. */
  head(queue: number): number {
    return this.#heads[queue]!;
  }

  /** Slot of the last stream, -1: the queue is empty. */
  tail(queue: number): number {
    return this.#tails[queue]!;
  }

  /** The queue in which a stream waits, -1: none. */
  queueOf(stream: Stream): number {
    return this.#queueOf[stream.slot]!;
  }

  /** Of two queues, the first of which is not empty, the one whose head has waited longer. */
  older(queue: number, other: number): number {
    const head = this.#heads[other]!;
    return head !== NONE && this.#isBefore(head, this.#heads[queue]!) ? other : queue;
  }

  /** Whether a stream is to be served before another: by class, then by time. */
  #isBefore(slot: number, other: number): boolean {
    const [key, otherKey] = [this.#keys[slot]!, this.#keys[other]!];
    return key === otherKey ? this.#joined[slot]! < this.#joined[other]! : key < otherKey;
  }

  /** `set-priority-class` and `set-priority-offset`: the class counts before the time, the offset is added to it. */
  #keyOf({ settings, queueStartMs }: Stream): number {
    return settings === null
      ? queueStartMs
      : settings.priorityClass * CLASS_STEP + queueStartMs + settings.priorityOffsetMs;
  }

  /** The stream behind which one with that key belongs, NONE: it becomes the first. Mostly that is the last one. */
  #placeOf(queue: number, key: number): number {
    let slot = this.#tails[queue]!;
    while (slot !== NONE && this.#keys[slot]! > key) slot = this.#streams.all[slot]!.queuePrevious;
    return slot;
  }

  append(queue: number, stream: Stream): void {
    const { slot } = stream;
    if (this.#queueOf[slot] !== NONE) throw new Error(`stream ${slot} waits already, in queue ${this.#queueOf[slot]}`);
    const key = this.#keyOf(stream);
    const previous = this.#placeOf(queue, key);
    const next = previous === NONE ? this.#heads[queue]! : this.#streams.all[previous]!.queueNext;
    stream.queuePrevious = previous;
    stream.queueNext = next;
    if (this.#heads[queue] === NONE) {
      this.#activeAt[queue] = this.#activeCount;
      this.#active[this.#activeCount++] = queue;
    }
    if (previous === NONE) this.#heads[queue] = slot;
    else this.#streams.all[previous]!.queueNext = slot;
    if (next === NONE) this.#tails[queue] = slot;
    else this.#streams.all[next]!.queuePrevious = slot;
    this.#keys[slot] = key;
    this.#queueOf[slot] = queue;
    this.#joined[slot] = this.#joins++;
  }

  remove(stream: Stream): void {
    const { slot, queuePrevious: previous, queueNext: next } = stream;
    const queue = this.#queueOf[slot]!;
    if (queue === NONE) throw new Error(`stream ${slot} waits in no queue`);
    if (previous === NONE) this.#heads[queue] = next;
    else this.#streams.all[previous]!.queueNext = next;
    if (next === NONE) this.#tails[queue] = previous;
    else this.#streams.all[next]!.queuePrevious = previous;
    stream.queueNext = stream.queuePrevious = NONE;
    this.#queueOf[slot] = NONE;
    if (this.#heads[queue] === NONE) this.#deactivate(queue);
  }

  #deactivate(queue: number): void {
    const at = this.#activeAt[queue]!;
    const last = this.#active[--this.#activeCount]!;
    this.#active[at] = last;
    this.#activeAt[last] = at;
    this.#activeAt[queue] = NONE;
  }
}
