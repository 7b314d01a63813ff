// The lists of patterns as the process has them: what the runtime API shows and changes, and what the workers' rules ask for.
//
//   runtime API ──▶ PatternStore ── PatternChange, numbered ──▶ every worker ── "done, up to number n" ──▶ settled()
//   a worker's rule (it has changed its own copy already) ──▶ the same way, so that all see all changes in one order
//
// An answer of the runtime API waits for `settled`: when it is there, every worker has the change. A worker that is started anew begins
// with the plan and is told the rest before it accepts (`briefing`).

import type { PatternEntry } from "../../acl/patterns/entry.ts";
import { type PatternChange, type PatternList, PatternLists } from "../../acl/patterns/pattern-lists.ts";
import { patternProblem, valueProblem } from "../../acl/patterns/pattern-problem.ts";
import type { Plan } from "../../plan/plan.ts";
import { type SharedState, WORKER } from "../../shared-state/layout.ts";
import type { FromWorker, ToWorker } from "../../worker/task.ts";
import type { WorkerGroup } from "../control-plane.ts";

type PatternEdit = Extract<FromWorker, { type: "pattern-edit" }>;

/** A worker that does not answer for so long hangs: the change waits in its port, nobody else shall. */
const SETTLE_MAX_MS = 5_000;
/** How often is looked whether a worker that has not answered still runs. */
const SETTLE_LOOK_MS = 100;
const RUNNING = 1;

/** What was wrong with an edit, in HAProxy's words; null: nothing. */
type Problem = string | null;

export class PatternStore {
  readonly lists: PatternLists;
  readonly #workers: WorkerGroup;
  readonly #shared: SharedState;
  /** Per list: the id of the next entry, and the number of the version that was prepared last. */
  readonly #nextIds: number[];
  readonly #nextVersions: number[];
  readonly #changed = new Set<number>();
  #sequence = 0;
  /** Per worker: the last change that it has. */
  readonly #done: number[];
  #waiting: (() => void)[] = [];

  constructor(plan: Plan, shared: SharedState, workers: WorkerGroup) {
    this.lists = new PatternLists(plan.patternLists);
    this.#shared = shared;
    this.#workers = workers;
    this.#nextIds = plan.patternLists.map(({ keys }) => keys.length);
    this.#nextVersions = plan.patternLists.map(() => 0);
    this.#done = Array.from({ length: workers.count }, () => 0);
    workers.messages.hear("pattern-edit", (_, edit) => this.#edit(edit));
    workers.messages.hear("patterns-done", (worker, { sequence }) => {
      this.#done[worker] = sequence;
      this.#look();
    });
    workers.messages.brief(() => this.#briefing());
  }

  /** `#id` or the file's name; -1: there is none. */
  find(identifier: string): number {
    const id = /^#(\d+)$/.exec(identifier)?.[1];
    return this.lists.all.findIndex(({ plan }) =>
      id === undefined ? plan.name === identifier : plan.id === Number(id),
    );
  }

  nextVersion(list: number): number {
    return this.#nextVersions[list]!;
  }

  /** Appends entries, those before a wrong one too. `version` undefined: the current one. */
  add(list: number, version: number | undefined, entries: readonly (readonly [key: string, value: string])[]): Problem {
    const target = this.lists.list(list);
    const keys: string[] = [];
    const values: string[] = [];
    let problem: Problem = null;
    for (const [key, value] of entries) {
      problem = this.#problem(target, key, value);
      if (problem !== null) break;
      keys.push(key);
      values.push(value);
    }
    const ids = keys.map(() => this.#nextIds[list]!++);
    const into = version ?? target.current;
    const isKeyed = target.plan.values !== null;
    this.#tell({ kind: "put", list, version: into, ids, keys, values: isKeyed ? values : null });
    return problem;
  }

  #problem({ plan }: PatternList, key: string, value: string): Problem {
    for (const use of plan.uses) {
      const problem = patternProblem(use, key) ?? (plan.values === null ? null : valueProblem(use.output, value));
      if (problem !== null) return problem;
    }
    return null;
  }

  /** Gives the entries of the current version that `which` names another value. */
  set(list: number, which: { readonly key: string } | { readonly id: number }, value: string): Problem {
    const target = this.lists.list(list);
    const entries = this.#entries(target, which);
    if (entries.length === 0) return "key" in which ? "entry not found" : "key or pattern not found";
    for (const { output } of target.plan.uses) {
      const problem = valueProblem(output, value);
      if (problem !== null) return problem;
    }
    const { current } = target;
    const ids = entries.map(({ id }) => id);
    const keys = entries.map(({ key }) => key);
    const values = target.plan.values === null ? null : entries.map(() => value);
    this.#tell({ kind: "put", list, version: current, ids, keys, values });
    return null;
  }

  /** Removes entries of the current version; false: there was none. */
  remove(list: number, which: { readonly key: string } | { readonly id: number }): boolean {
    const target = this.lists.list(list);
    const entries = this.#entries(target, which);
    const { current } = target;
    for (const { id, key } of entries) this.#tell({ kind: "remove", list, version: current, id, key });
    return entries.length > 0;
  }

  #entries(list: PatternList, which: { readonly key: string } | { readonly id: number }): PatternEntry[] {
    if ("id" in which) {
      const entry = list.byId(which.id);
      return entry === null ? [] : [entry];
    }
    const entries: PatternEntry[] = [];
    for (let entry = list.first(which.key); entry !== null; entry = entry.twin) entries.push(entry);
    return entries;
  }

  clear(list: number, version: number | undefined): void {
    this.#tell({ kind: "clear", list, version: version ?? this.lists.list(list).current });
  }

  /** A new, empty version; its number. */
  prepare(list: number): number {
    return ++this.#nextVersions[list]!;
  }

  /** Makes a prepared version the current one; false: there is no such version. */
  commit(list: number, version: number): boolean {
    const target = this.lists.list(list);
    if (version <= target.current || version > this.#nextVersions[list]!) return false;
    const dropped = target.versions.filter((other) => other < version);
    this.#tell({ kind: "commit", list, version, dropped });
    return true;
  }

  /** What a worker's rule did: set-map, add-acl, del-map, del-acl. A value that the list's users cannot read is dropped, as HAProxy does. */
  #edit({ list, kind, key, value }: PatternEdit): void {
    if (kind === "remove") this.remove(list, { key });
    else if (this.lists.list(list).first(key) === null) this.add(list, undefined, [[key, value ?? ""]]);
    else if (value !== null) this.set(list, { key }, value);
  }

  #tell(change: PatternChange): void {
    if (change.kind === "put" && change.ids.length === 0) return;
    this.lists.apply(change);
    this.#changed.add(change.list);
    this.#workers.broadcast({ type: "patterns", sequence: ++this.#sequence, changes: [change] });
  }

  /** What a worker that begins with the plan has missed. */
  #briefing(): ToWorker[] {
    const changes: PatternChange[] = [];
    for (const index of this.#changed) {
      const list = this.lists.list(index);
      changes.push({ kind: "clear", list: index, version: 0 });
      for (const version of list.versions) {
        const entries = list.entries(version);
        const ids = entries.map(({ id }) => id);
        const keys = entries.map(({ key }) => key);
        const values = list.plan.values === null ? null : entries.map(({ value }) => value ?? "");
        changes.push({ kind: "put", list: index, version, ids, keys, values });
      }
      if (list.current !== 0) changes.push({ kind: "commit", list: index, version: list.current, dropped: [0] });
    }
    return changes.length === 0 ? [] : [{ type: "patterns", sequence: this.#sequence, changes }];
  }

  /** Resolves when every worker that runs has all changes made so far. */
  async settled(): Promise<void> {
    const wanted = this.#sequence;
    const deadline = performance.now() + SETTLE_MAX_MS;
    while (!this.#isDone(wanted) && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SETTLE_LOOK_MS);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #isDone(sequence: number): boolean {
    const { words } = this.#shared;
    return this.#done.every(
      (done, worker) =>
        done >= sequence || Atomics.load(words, this.#shared.workerAt(worker) + WORKER.state) !== RUNNING,
    );
  }

  #look(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
  }
}
