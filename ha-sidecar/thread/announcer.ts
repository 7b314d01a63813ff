// Sends gratuitous ARPs and neighbour advertisements, at once or spread over time: `garp_group`, `vrrp_garp_interval` and `vrrp_gna_interval`
// say how far apart two of them are to be on the interfaces of one switch.

import { sendFrame } from "../address/announcement.ts";
import type { Link } from "../address/interfaces.ts";
import type { GarpGroupPlan } from "../plan/plan.ts";

export interface Announcement {
  readonly link: Link;
  readonly family: 4 | 6;
  readonly frame: Uint8Array;
  /** What it says, with the interface: a second one that waits is not needed. */
  readonly key: string;
  /** Asked when its turn comes: the instance may not be master any more. */
  readonly isWanted: () => boolean;
  readonly onFailed: (errno: number) => void;
}

interface Queue {
  readonly intervalMs: number;
  /** When the next one may go. */
  freeAtMs: number;
  readonly waiting: Map<string, Announcement>;
}

export class Announcer {
  readonly #fd: number;
  readonly #groups: readonly GarpGroupPlan[];
  readonly #queues = new Map<string, Queue>();

  constructor(fd: number, groups: readonly GarpGroupPlan[]) {
    this.#fd = fd;
    this.#groups = groups;
  }

  send(announcement: Announcement): void {
    const queue = this.#queueOf(announcement);
    if (queue === null) this.#sendNow(announcement);
    else {
      queue.waiting.set(announcement.key, announcement);
      this.#run(queue, performance.now());
    }
  }

  /** Infinity: nothing waits. */
  get nextMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { waiting, freeAtMs } of this.#queues.values()) if (waiting.size > 0) next = Math.min(next, freeAtMs);
    return next;
  }

  tick(nowMs: number): void {
    for (const queue of this.#queues.values()) this.#run(queue, nowMs);
  }

  #run(queue: Queue, nowMs: number): void {
    for (const [key, announcement] of queue.waiting) {
      if (nowMs < queue.freeAtMs) return;
      queue.waiting.delete(key);
      if (!announcement.isWanted()) continue;
      queue.freeAtMs = nowMs + queue.intervalMs;
      this.#sendNow(announcement);
    }
  }

  #sendNow({ link, frame, onFailed }: Announcement): void {
    const sent = sendFrame(this.#fd, link.index, frame);
    if (sent < 0) onFailed(sent);
  }

  /** Interfaces of a group share a queue; those that no group names have one each, when the global intervals are set. */
  #queueOf({ link, family }: Announcement): Queue | null {
    const named = this.#groups.findIndex(({ interfaces }) => interfaces.includes(link.name));
    const index = named >= 0 ? named : this.#groups.findIndex(({ interfaces }) => interfaces.length === 0);
    const group = this.#groups[index];
    const intervalMs = (family === 4 ? group?.garpIntervalMs : group?.gnaIntervalMs) ?? 0;
    if (intervalMs === 0) return null;
    const key = `${named >= 0 ? named : link.name} ${family}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = { intervalMs, freeAtMs: 0, waiting: new Map() };
      this.#queues.set(key, queue);
    }
    return queue;
  }
}
