// A `peers` section at work: listens, connects to its peers again and again, and sees to it that after a start this process learns what the others
// know (doc/peers-v2.0.txt, III).
//
//   learn from     a connected remote peer that we ask, or the process whose place we take, which comes by itself
//   up to date     one of them said "finished", or five seconds went by in which nobody could teach us
//
// Between two peers there is one session: the one that was opened last. When both open one at the same time each would give up its own for the
// other's and both would be gone; so the peer whose name comes first insists on its own, and the other gives way.

import { randomInt } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { PeerPlan, PeersPlan } from "../../plan/stick-table.ts";
import type { StickTables } from "../../stick-table/tables.ts";
import type { ChangeLog } from "./change-log.ts";
import { Peer, type PeerContext } from "./peer.ts";
import { type Hello, PeerSession, STATUS } from "./session.ts";

const RECONNECT_MIN_MS = 50;
const RECONNECT_SPREAD_MS = 2000;
/** Between attempts to listen where a predecessor still does, and to reach a successor that does not yet; and how many of the latter. */
const LOCAL_RECONNECT_MS = 100;
const HANDOVER_ATTEMPTS = 20;
const LISTEN_ATTEMPTS = 50;
const RESYNC_MS = 5000;
/** The other side's attempt may be that late. */
const COLLISION_MS = 1000;
const VERSION = 2;

export interface SectionOptions {
  readonly plan: PeersPlan;
  readonly localpeer: string;
  readonly logs: readonly ChangeLog[];
  readonly tables: StickTables;
  /** What is worth a line in the process log. */
  readonly warn: (text: string) => void;
}

export class PeersSection {
  readonly plan: PeersPlan;
  readonly peers: readonly Peer[];
  readonly lastChangeMs = Date.now();
  readonly #options: SectionOptions;
  #server: Server | null = null;
  #isUpToDate = false;
  #resyncTimer: NodeJS.Timeout | null = null;
  resyncUntilMs = 0;
  readonly #reconnects = new Map<Peer, { readonly timer: NodeJS.Timeout; readonly atMs: number }>();
  #isClosed = false;
  #handoverAttempts = 0;
  /** Set while we hand over to the process that takes our place. */
  #handedOver: (() => void) | null = null;

  constructor(options: SectionOptions) {
    const { plan, logs, tables } = options;
    this.plan = plan;
    this.#options = options;
    const context: PeerContext = {
      logs,
      keys: tables.serverKeys,
      now: () => tables.clock.sharedMs,
      tableOf: (index) => tables.tables[index] ?? null,
      isUpToDate: () => this.#isUpToDate,
      learned: (peer, isComplete) => this.#learned(peer, isComplete),
      taught: (peer) => {
        if (peer.isLocal) this.#handedOver?.();
      },
    };
    this.peers = plan.peers.map(({ name, isLocal }) => new Peer(name, isLocal, context));
  }

  get isUpToDate(): boolean {
    return this.#isUpToDate;
  }

  /** When the peer is connected to next, milliseconds since the epoch; 0: no attempt is planned. */
  reconnectAt(peer: Peer): number {
    return this.#reconnects.get(peer)?.atMs ?? 0;
  }

  start(): void {
    this.#listen();
    for (const peer of this.peers) if (!peer.isLocal) this.#connect(peer);
    this.#restartResync();
  }

  #listen(): void {
    const { bind } = this.plan;
    if (bind === null) return;
    const server = createServer({ noDelay: true }, (socket) => this.#accepted(socket));
    let attempts = 0;
    server.on("error", (error) => {
      // The process whose place we take may still have the port.
      if (++attempts === LISTEN_ATTEMPTS)
        this.#options.warn(`peers '${this.plan.name}': cannot listen: ${error.message}`);
      if (!this.#isClosed) setTimeout(() => !this.#isClosed && server.listen(bind), LOCAL_RECONNECT_MS).unref();
    });
    server.listen(bind);
    this.#server = server;
  }

  #accepted(socket: Socket): void {
    new PeerSession(socket, this.#handlerFor(null), null);
  }

  #connect(peer: Peer): void {
    const pending = this.#reconnects.get(peer);
    if (pending !== undefined) clearTimeout(pending.timer);
    this.#reconnects.delete(peer);
    if (this.#isClosed && this.#handedOver === null) return;
    const address = this.#addressOf(peer);
    if (address === null || peer.session !== null) return;
    const hello = `HAProxyS ${VERSION}.${peer.minor}\n${peer.name}\n${this.#options.localpeer} ${process.pid} 1\n`;
    const socket = connect(address);
    socket.setTimeout(RESYNC_MS, () => socket.destroy(new Error("no connection")));
    socket.on("error", () => {});
    socket.once("close", () => this.#reconnectLater(peer));
    socket.once("connect", () => {
      socket.setTimeout(0);
      peer.attempt = new PeerSession(socket, this.#handlerFor(peer), hello);
    });
  }

  #addressOf(peer: Peer): PeerPlan["address"] {
    if (peer.isLocal) return this.plan.bind !== null && "fd" in this.plan.bind ? null : this.plan.bind;
    return this.plan.peers.find(({ name }) => name === peer.name)?.address ?? null;
  }

  #reconnectLater(peer: Peer): void {
    if (this.#reconnects.has(peer) || peer.session !== null) return;
    if (this.#handedOver !== null && ++this.#handoverAttempts > HANDOVER_ATTEMPTS) this.#handedOver();
    if (this.#isClosed && (this.#handedOver === null || !peer.isLocal)) return;
    if (peer.isLocal && this.#handedOver === null) return;
    const delayMs = peer.isLocal ? LOCAL_RECONNECT_MS : RECONNECT_MIN_MS + randomInt(RECONNECT_SPREAD_MS);
    const timer = setTimeout(() => this.#connect(peer), delayMs).unref();
    this.#reconnects.set(peer, { timer, atMs: Date.now() + delayMs });
  }

  /** @param known the peer that we connected to, null until a hello says who it is */
  #handlerFor(known: Peer | null): ConstructorParameters<typeof PeerSession>[1] {
    let peer = known;
    return {
      onHello: (session, hello) => {
        const found = this.#find(hello);
        if (typeof found === "number") return found;
        peer = found;
        this.#adopt(peer, session, hello.minor);
        return STATUS.success;
      },
      onStatus: (session, status) => {
        peer!.lastStatus = status;
        if (status === STATUS.success) this.#adopt(peer!, session, peer!.minor);
        // It speaks an older version.
        else if (status === STATUS.version) peer!.minor = 0;
      },
      onControl: (_, type) => peer!.onControl(type),
      onTable: (_, type, reader, bytes) => {
        const isSound = peer!.onTable(type, reader, bytes);
        if (!isSound) peer!.protocolErrors++;
        return isSound;
      },
      onPause: () => {
        this.#begin(peer!);
        peer!.work();
      },
      onDrain: () => peer!.work(),
      onEnd: (session) => {
        if (peer?.attempt === session) peer.attempt = null;
        if (peer === null || peer.session !== session) return;
        const wasTeaching = peer.learning === "asked";
        peer.closed();
        if (wasTeaching) this.#choose();
        this.#reconnectLater(peer);
      },
    };
  }

  #find({ target, sender }: Hello): Peer | number {
    if (this.#isClosed) return STATUS.tryAgain;
    if (target !== this.#options.localpeer) return STATUS.wrongHost;
    const peer = this.peers.find(({ name }) => name === sender);
    if (peer === undefined) return STATUS.unknownPeer;
    // Only one process hands over at a time.
    if (peer.isLocal && peer.session !== null) return STATUS.tryAgain;
    if (this.#options.localpeer < sender && this.#insists(peer)) return STATUS.tryAgain;
    return peer;
  }

  /** Whether we are opening a session, or have just done so. */
  #insists({ attempt, session, isOurs, lastHandshakeMs }: Peer): boolean {
    return attempt !== null || (session !== null && isOurs && Date.now() - lastHandshakeMs < COLLISION_MS);
  }

  /** The session is the peer's; an older one goes. */
  #adopt(peer: Peer, session: PeerSession, minor: number): void {
    const others = [peer.session, peer.attempt].filter((one) => one !== null && one !== session);
    peer.isOurs = peer.attempt === session;
    peer.session = peer.attempt = null;
    for (const other of others) {
      peer.collisions++;
      other!.close("replaced by another session");
    }
    const pending = this.#reconnects.get(peer);
    if (pending !== undefined) clearTimeout(pending.timer);
    this.#reconnects.delete(peer);
    peer.opened(session, minor);
    peer.lastStatus = STATUS.success;
    this.#fresh.add(peer);
  }

  /** Peers whose session is new: the first thing on it may be a request. */
  readonly #fresh = new Set<Peer>();

  #begin(peer: Peer): void {
    if (!this.#fresh.delete(peer)) return;
    if (peer.isLocal && this.#handedOver !== null) peer.teach();
    else this.#choose();
  }

  /** Asks one connected peer for everything, while we do not have it and nobody is teaching. */
  #choose(): void {
    if (this.#isUpToDate || this.#isClosed) return;
    const remote = this.peers.filter(({ isLocal }) => !isLocal);
    if (remote.some(({ learning }) => learning === "asked")) return;
    const teachers = remote.filter(({ session, isIncomplete }) => session?.isOpen && !isIncomplete);
    if (teachers.length > 0) teachers[randomInt(teachers.length)]!.ask();
  }

  #restartResync(): void {
    if (this.#resyncTimer !== null) clearTimeout(this.#resyncTimer);
    this.resyncUntilMs = Date.now() + RESYNC_MS;
    this.#resyncTimer = setTimeout(() => this.#settle(), RESYNC_MS).unref();
  }

  #learned(peer: Peer, isComplete: boolean): void {
    if (this.#isUpToDate) return;
    if (isComplete) this.#settle();
    else {
      if (!peer.isLocal) this.#restartResync();
      this.#choose();
    }
  }

  /** Nothing more can be learned. */
  #settle(): void {
    // A lesson that is under way is heard to its end.
    if (this.peers.some(({ learning }) => learning === "asked")) {
      this.#restartResync();
      return;
    }
    this.#isUpToDate = true;
    this.resyncUntilMs = 0;
    if (this.#resyncTimer !== null) clearTimeout(this.#resyncTimer);
  }

  /** Tables have changed. */
  work(): void {
    for (const peer of this.peers) if (peer.session?.isOpen) peer.work();
  }

  close(): void {
    this.#isClosed = true;
    this.#handedOver = null;
    this.#server?.close();
    if (this.#resyncTimer !== null) clearTimeout(this.#resyncTimer);
    for (const { timer } of this.#reconnects.values()) clearTimeout(timer);
    this.#reconnects.clear();
    for (const peer of this.peers) peer.session?.close("the process stops");
  }

  /** Gives everything to the process that takes our place, which listens where we did. Resolves when it has it. */
  handOver(): Promise<void> {
    const local = this.peers.find(({ isLocal }) => isLocal);
    this.close();
    if (local === undefined || this.#addressOf(local) === null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#handedOver = () => {
        this.#handedOver = null;
        local.session?.close("handed over");
        resolve();
      };
      this.#connect(local);
    });
  }
}
