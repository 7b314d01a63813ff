// When which check is due: a binary heap of moments and one timer, so that a thousand servers cost one timer and not a thousand.
//
//          due 120 (server 4)             run() takes everything that is due; what is due again later is
//          /               \              put back with `add`. Resolution: a millisecond, Node's timers.
//     due 340 (0)       due 200 (7)

interface Entry {
  readonly dueMs: number;
  readonly server: number;
  /** It was moved ahead: another entry stands for the server. */
  isStale: boolean;
}

export class CheckSchedule {
  readonly #heap: Entry[] = [];
  readonly #entryOf = new Map<number, Entry>();
  readonly #run: (server: number) => void;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | null = null;
  #armedMs = Number.POSITIVE_INFINITY;
  #closed = false;

  /** `run` is called for every server that is due, from a timer. */
  constructor(run: (server: number) => void, nowMs: () => number = () => performance.now()) {
    this.#run = run;
    this.#nowMs = nowMs;
  }

  /** Makes a server due in so many milliseconds; when it was to be due is forgotten. */
  add(server: number, delayMs: number): void {
    if (this.#closed) return;
    const former = this.#entryOf.get(server);
    if (former !== undefined) former.isStale = true;
    const heap = this.#heap;
    const entry = { dueMs: this.#nowMs() + delayMs, server, isStale: false };
    this.#entryOf.set(server, entry);
    heap.push(entry);
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].dueMs <= entry.dueMs) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
    this.#arm();
  }

  /** Makes a server that is to be due later due in so many milliseconds; nothing happens to one that is not to be due, or earlier. */
  advance(server: number, delayMs: number): void {
    const entry = this.#entryOf.get(server);
    if (entry !== undefined && entry.dueMs > this.#nowMs() + delayMs) this.add(server, delayMs);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#heap.length = 0;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.dueMs >= this.#armedMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#armedMs = first.dueMs;
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, Math.ceil(first.dueMs - this.#nowMs())));
  }

  #fire(): void {
    this.#timer = null;
    this.#armedMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#nowMs();
    while (this.#heap.length > 0 && this.#heap[0].dueMs <= nowMs) this.#runFirst();
    this.#arm();
  }

  #runFirst(): void {
    const { server, isStale } = this.#takeFirst();
    if (isStale) return;
    this.#entryOf.delete(server);
    this.#run(server);
  }

  #takeFirst(): Entry {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined) throw new Error("nothing is due");
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].dueMs < heap[child].dueMs) child++;
      if (heap[child].dueMs >= last.dueMs) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
