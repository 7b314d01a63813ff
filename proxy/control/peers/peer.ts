// One peer of a section: its session, what of our tables it has been told, and what it tells us.
//
//   push     changes of our tables, as they happen; acknowledged by the peer
//   teach    the peer asked for everything (or is the process that takes our place): all entries, then "finished"
//   learn    we asked, and what comes until "finished" is everything the peer has

import type { ServerKeys } from "../../stick-table/server-keys.ts";
import type { StickTable } from "../../stick-table/table.ts";
import type { ByteReader } from "./bytes.ts";
import type { ChangeLog } from "./change-log.ts";
import { SentWords } from "./dictionary.ts";
import { CONTROL, type PeerSession } from "./session.ts";
import {
  acknowledgement,
  definition,
  type RemoteTable,
  readDefinition,
  readUpdate,
  TABLE_MESSAGE,
  update,
} from "./table-messages.ts";

/** Messages made at a time, so that others get their turn. */
const MESSAGES_AT_ONCE = 500;

/** What a peer needs of its section. */
export interface PeerContext {
  readonly logs: readonly ChangeLog[];
  readonly keys: ServerKeys;
  /** Milliseconds of the shared clock. */
  readonly now: () => number;
  readonly tableOf: (index: number) => StickTable | null;
  /** Whether we have everything that is to be had. */
  readonly isUpToDate: () => boolean;
  /** The peer has taught us everything, or all that it has. */
  readonly learned: (peer: Peer, isComplete: boolean) => void;
  /** The peer has what we taught. */
  readonly taught: (peer: Peer) => void;
}

/** What the peer knows of one of our tables, and says of its own. */
class TableState {
  readonly log: ChangeLog;
  /** Our number for it on sessions. */
  readonly id: number;
  /** Up to which change it was told; and up to which it said that it has them. */
  pushed = 0;
  acknowledged = 0;
  /** Its last update, and the last that we acknowledged; -1: none. */
  received = -1;
  confirmed = -1;
  remoteId = 0;

  constructor(log: ChangeLog, id: number) {
    this.log = log;
    this.id = id;
  }
}

export class Peer {
  readonly name: string;
  readonly isLocal: boolean;
  readonly tables: readonly TableState[];
  session: PeerSession | null = null;
  /** A session that we began and that has not been answered yet. */
  attempt: PeerSession | null = null;
  /** We opened the session. */
  isOurs = false;
  /** Protocol 2.1, else 2.0. */
  minor = 1;
  lastStatus = 0;
  lastHandshakeMs = 0;
  /** `asked`: what it says until "finished" is the answer to our request. */
  learning: "no" | "asked" = "no";
  teaching: "no" | "sending" | "finished" = "no";
  /** It has said that it does not have everything itself. */
  isIncomplete = false;
  newConnections = 0;
  protocolErrors = 0;
  collisions = 0;
  readonly #context: PeerContext;
  #sent = new SentWords();
  #received: (number | undefined)[] = [];
  readonly #remote = new Map<number, RemoteTable>();
  #current: RemoteTable | null = null;
  /** Table whose definition was sent last. */
  #defined: TableState | null = null;
  /** Where teaching goes on: table and slot. */
  #teachTable = 0;
  #teachSlot = 0;
  #scheduled = false;

  constructor(name: string, isLocal: boolean, context: PeerContext) {
    this.name = name;
    this.isLocal = isLocal;
    this.#context = context;
    this.tables = context.logs.map((log, index) => new TableState(log, index + 1));
  }

  /** A session is open: both sides begin anew, and go on where the peer's acknowledgements ended. */
  opened(session: PeerSession, minor: number): void {
    this.session = session;
    this.minor = minor;
    this.lastHandshakeMs = Date.now();
    this.newConnections++;
    this.#sent = new SentWords();
    this.#received = [];
    this.#remote.clear();
    this.#current = this.#defined = null;
    this.teaching = "no";
    this.learning = "no";
    for (const table of this.tables) {
      table.pushed = table.acknowledged;
      table.received = table.confirmed = -1;
    }
  }

  closed(): void {
    this.session = null;
    this.teaching = "no";
    this.learning = "no";
  }

  /** Asks for everything. */
  ask(): void {
    this.learning = "asked";
    this.session!.control(CONTROL.request);
  }

  /** Tells everything. */
  teach(): void {
    this.teaching = "sending";
    this.#teachTable = this.#teachSlot = 0;
    // What changes from here on is pushed when this is over.
    for (const table of this.tables) table.pushed = table.log.last;
    this.#defined = null;
    this.work();
  }

  onControl(type: number): void {
    switch (type) {
      case CONTROL.request:
        this.teach();
        break;
      case CONTROL.finished:
      case CONTROL.partial: {
        const isAnswer = this.learning === "asked" || this.isLocal;
        this.learning = "no";
        this.session!.control(CONTROL.confirm);
        if (type === CONTROL.partial) this.isIncomplete = true;
        if (isAnswer) this.#context.learned(this, type === CONTROL.finished);
        break;
      }
      case CONTROL.confirm:
        if (this.teaching !== "no") {
          this.teaching = "no";
          this.#context.taught(this);
        }
        break;
    }
  }

  /** False: malformed. */
  onTable(type: number, reader: ByteReader, bytes: Uint8Array): boolean {
    switch (type) {
      case TABLE_MESSAGE.define: {
        const { id, remote } = readDefinition(
          reader,
          bytes,
          this.tables.map(({ log }) => log.table),
        );
        this.#current = remote;
        if (remote === null) this.#remote.delete(id);
        else {
          this.#remote.set(id, remote);
          for (const table of this.tables) if (table.log.table === remote.table) table.remoteId = id;
        }
        return !reader.failed;
      }
      case TABLE_MESSAGE.switch:
        this.#current = this.#remote.get(reader.packed()) ?? null;
        return !reader.failed;
      case TABLE_MESSAGE.ack: {
        const id = reader.packed();
        const number = reader.word();
        const table = this.tables.find((candidate) => candidate.id === id);
        if (table !== undefined && this.teaching === "no") table.acknowledged = wholeNumber(number, table.log.last);
        return !reader.failed;
      }
      case TABLE_MESSAGE.update:
      case TABLE_MESSAGE.increment:
      case TABLE_MESSAGE.timed:
      case TABLE_MESSAGE.timedIncrement:
        this.#update(type, reader, bytes);
        return !reader.failed;
      default:
        // Of a later version: passed over.
        return true;
    }
  }

  #update(type: number, reader: ByteReader, bytes: Uint8Array): void {
    const remote = this.#current;
    if (remote === null) return;
    const { keys, now, tableOf } = this.#context;
    const hasId = type === TABLE_MESSAGE.update || type === TABLE_MESSAGE.timed;
    const isTimed = type === TABLE_MESSAGE.timed || type === TABLE_MESSAGE.timedIncrement;
    const reading = { hasId, isTimed, words: this.#received, keys, now: now() };
    const id = readUpdate(reader, bytes, remote, reading, tableOf(remote.table.plan.writeTo));
    const table = this.tables.find(({ log }) => log.table === remote.table)!;
    // What a full lesson holds is confirmed as a whole.
    if (this.learning === "no") table.received = (id ?? table.received + 1) >>> 0;
  }

  /** Sends what is due: acknowledgements, the lesson, changes. A part at a time. */
  work(): void {
    const { session } = this;
    if (session === null || !session.isOpen) return;
    for (const table of this.tables) {
      if (table.received === table.confirmed) continue;
      session.send(acknowledgement(table.remoteId, table.received));
      table.confirmed = table.received;
    }
    const isDone = this.teaching === "sending" ? this.#teachMore(session) : this.#pushMore(session);
    if (isDone || this.#scheduled || !session.hasRoom) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.work();
    });
  }

  #define(session: PeerSession, table: TableState): void {
    if (this.#defined === table) return;
    session.send(definition(table.log.table, table.id));
    this.#defined = table;
  }

  #tell(session: PeerSession, state: TableState, slot: number, id: number, isTimed: boolean): void {
    const { keys, now } = this.#context;
    this.#define(session, state);
    const words = this.#sent;
    session.send(update(state.log.table, slot, { id: id >>> 0, isTimed, words, keys, now: now() }));
  }

  /** True: nothing is left. */
  #pushMore(session: PeerSession): boolean {
    if (this.learning !== "no" || this.teaching !== "no") return true;
    let left = MESSAGES_AT_ONCE;
    for (const state of this.tables) {
      if (state.pushed === state.log.last) continue;
      state.pushed = state.log.since(state.pushed, (slot, id) => {
        if (left-- === 0 || !session.hasRoom) return false;
        this.#tell(session, state, slot, id, false);
        return true;
      });
      if (state.pushed < state.log.last) return false;
    }
    return true;
  }

  /** The next part of everything; "finished" behind the last. True: nothing is left. */
  #teachMore(session: PeerSession): boolean {
    let left = MESSAGES_AT_ONCE;
    for (; this.#teachTable < this.tables.length; this.#teachTable++, this.#teachSlot = 0) {
      const state = this.tables[this.#teachTable]!;
      const { table } = state.log;
      for (let scanned = 0; this.#teachSlot < table.layout.slots; this.#teachSlot++) {
        if (left === 0 || !session.hasRoom || scanned++ > 500_000) return false;
        const slot = this.#teachSlot;
        if (!table.hold(slot)) continue;
        if (!table.isExpired(slot)) {
          left--;
          this.#tell(session, state, slot, state.pushed, this.minor >= 1);
        }
        table.release(slot);
      }
    }
    this.teaching = "finished";
    session.control(this.#context.isUpToDate() ? CONTROL.finished : CONTROL.partial);
    return true;
  }
}

/** The change that 32 bits of its number stand for: the latest one that there was. */
function wholeNumber(word: number, last: number): number {
  const candidate = last - ((last - word) >>> 0);
  return Math.max(0, candidate);
}
