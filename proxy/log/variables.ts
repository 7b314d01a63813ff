// The variables of log-format (configuration.txt 8.2.6) that are about who talked to whom and how it ended: addresses, names, counts.
// Dates and times stand in time-variables.ts, what the client asked for in request-variables.ts.
//
// One method a variable; compile.ts calls it with `flags` as a constant. Nothing here allocates. Values that HAProxy calls missing
// are `-`, or `""` under +Q. Forms that are only empty so far (captures, unique-id, TLS) are written as HAProxy writes them when
// nothing is configured.
//
// Limits: %lc counts per worker, not per process.

import * as inspect from "../../shared/ffi/openssl-inspect.ts";
import type { Connections } from "../connection/table.ts";
import { REQUEST_COOKIE_LETTERS, RESPONSE_COOKIE_LETTERS } from "../persistence/states.ts";
import { LOG_ORIGINS } from "../plan/log.ts";
import type { Plan } from "../plan/plan.ts";
import type { SampleContext } from "../sample/context.ts";
import { setDestinationBytes, setDestinationPort } from "../stream/addresses.ts";
import type { Stream } from "../stream/stream.ts";
import { type ItemWriter, PLUS } from "./item-writer.ts";
import { type AddressBytes, addressBytes, textBytes } from "./names.ts";
import { isRefusedRequest } from "./request-variables.ts";
import { type SocketName, socketName } from "./socket-name.ts";

// Hot constants, as in stream/stream.ts and connection/table.ts: imported bindings are slower.
const HTTP = 1;
const REDISPATCHED = 64;
const STATS = 8192;
const UNIX = 16384;
const IPV6 = 4096;
const FROM_CLIENT = 0;
const TO_CLIENT = 3;
const STREAM_BYTES_COLUMNS = 4;

const DASH = 45;

export interface VariablesOptions {
  readonly plan: Plan;
  readonly connections: Pick<Connections, "address" | "flags" | "port" | "sinceMs" | "socketOf">;
  /** `Streams.bytes`. */
  readonly streamBytes: Float64Array;
  /** For %fi, %fp, %bi, %bp; tests put a stand-in here. */
  readonly socketName?: SocketName;
  readonly pid: number;
  /** %H. */
  readonly hostname: string;
  /** For %sslv and %sslc. */
  readonly samples: Pick<SampleContext, "tls">;
}

const NOSRV = textBytes("<NOSRV>");
const STATS_NAME = textBytes("<STATS>");
const CACHE_NAME = textBytes("<CACHE>");
const UNIX_NAME = textBytes("unix");

/** `txn_close` in LOG_ORIGINS. */
export const ORIGIN_CLOSE = 5;

const ORIGIN_NAMES = LOG_ORIGINS.map(({ name }) => textBytes(name));

export class Variables {
  /** Position in LOG_ORIGINS of the line that is being written. */
  currentOrigin = ORIGIN_CLOSE;
  readonly writer: ItemWriter;
  /** Lines logged so far by each frontend, for %lc. */
  readonly lines: Int32Array;
  readonly #connections: VariablesOptions["connections"];
  readonly #streamBytes: Float64Array;
  readonly #socketName: SocketName;
  readonly #pid: number;
  readonly #hostname: Uint8Array;
  readonly #proxyNames: readonly Uint8Array[];
  readonly #encryptedNames: readonly Uint8Array[];
  /** Per listener. */
  readonly #isEncrypted: Uint8Array;
  readonly #samples: Pick<SampleContext, "tls">;
  readonly #serverNames: readonly Uint8Array[];
  readonly #serverAddresses: readonly AddressBytes[];
  readonly #listenerIds: readonly number[];
  /** Per proxy, 1: it does something with persistence cookies. */
  readonly #hasCookie: Uint8Array;
  readonly #socketAddress = new Uint8Array(18);

  constructor(writer: ItemWriter, options: VariablesOptions) {
    const { plan } = options;
    this.writer = writer;
    this.lines = new Int32Array(plan.proxies.length);
    this.#connections = options.connections;
    this.#streamBytes = options.streamBytes;
    this.#socketName = options.socketName ?? socketName;
    this.#pid = options.pid;
    this.#hostname = textBytes(options.hostname);
    this.#proxyNames = plan.proxies.map((proxy) => textBytes(proxy.name));
    this.#serverNames = plan.servers.map((server) => textBytes(server.name));
    this.#serverAddresses = plan.servers.map((server) => addressBytes(server.address));
    this.#hasCookie = Uint8Array.from(plan.proxies, ({ backend }) => {
      const cookie = backend?.persistence.cookie ?? null;
      return cookie !== null && (cookie.mode !== "passive" || cookie.indirect) ? 1 : 0;
    });
    this.#listenerIds = plan.listeners.map((listener) => listener.id);
    this.#encryptedNames = plan.proxies.map((proxy) => textBytes(`${proxy.name}~`));
    this.#isEncrypted = Uint8Array.from(plan.listeners, ({ tls }) => (tls === null ? 0 : 1));
    this.#samples = options.samples;
  }

  // ---- addresses and ports ----------------------------------------------------------------------------------------

  /** %ci */
  clientIp(stream: Stream, flags: number): void {
    const slot = stream.client;
    if (slot < 0) {
      this.writer.missing(flags);
      return;
    }
    const { address, flags: connectionFlags } = this.#connections;
    const bits = connectionFlags[slot]!;
    if ((bits & UNIX) !== 0) this.writer.text(UNIX_NAME, flags);
    else this.writer.address(address, slot * 16, (bits & IPV6) !== 0 ? 16 : 4, flags);
  }

  /** %cp */
  clientPort(stream: Stream, flags: number): void {
    const slot = stream.client;
    if (slot < 0) {
      this.writer.missing(flags);
      return;
    }
    const unix = (this.#connections.flags[slot]! & UNIX) !== 0;
    this.writer.number(unix ? this.#listenerIds[stream.listener]! : this.#connections.port[slot]!, 4, flags);
  }

  /** %fi */
  frontendIp(stream: Stream, flags: number): void {
    if (stream.client < 0) {
      this.writer.missing(flags);
      return;
    }
    const set = setDestinationBytes(stream);
    if (set > 0) this.writer.address(stream.addresses!.destination, 0, set, flags);
    else if ((this.#connections.flags[stream.client]! & UNIX) !== 0) this.writer.text(UNIX_NAME, flags);
    else this.#socketIp(stream.client, flags);
  }

  /** %fp */
  frontendPort(stream: Stream, flags: number): void {
    if (stream.client < 0) {
      this.writer.missing(flags);
      return;
    }
    const unix = (this.#connections.flags[stream.client]! & UNIX) !== 0;
    const set = setDestinationPort(stream);
    if (set >= 0) this.writer.number(set, 4, flags);
    else if (unix) this.writer.number(this.#listenerIds[stream.listener]!, 4, flags);
    else this.#socketPort(stream.client, flags);
  }

  /** %bi */
  backendSourceIp(stream: Stream, flags: number): void {
    this.#socketIp(stream.server, flags);
  }

  /** %bp */
  backendSourcePort(stream: Stream, flags: number): void {
    this.#socketPort(stream.server, flags);
  }

  /** %si */
  serverIp(stream: Stream, flags: number): void {
    const address = stream.serverIndex < 0 ? null : this.#serverAddresses[stream.serverIndex]!;
    if (address === null || address.length === 0) this.writer.missing(flags);
    else this.writer.address(address.bytes, 0, address.length, flags);
  }

  /** %sp */
  serverPort(stream: Stream, flags: number): void {
    const address = stream.serverIndex < 0 ? null : this.#serverAddresses[stream.serverIndex]!;
    if (address === null || address.length === 0) this.writer.missing(flags);
    else this.writer.number(address.port, 4, flags);
  }

  // ---- names ------------------------------------------------------------------------------------------------------

  /** %ft: a tilde behind the name says that the client's connection is encrypted. */
  frontendTransport(stream: Stream, flags: number): void {
    const names = this.#isEncrypted[stream.listener] === 1 ? this.#encryptedNames : this.#proxyNames;
    this.writer.text(names[stream.frontend]!, flags);
  }

  /** %sslv */
  tlsVersion(stream: Stream, flags: number): void {
    const ssl = this.#sslOf(stream);
    if (ssl === 0) this.writer.missing(flags);
    else this.writer.text(textBytes(inspect.versionOf(ssl)), flags);
  }

  /** %sslc */
  tlsCipher(stream: Stream, flags: number): void {
    const ssl = this.#sslOf(stream);
    if (ssl === 0) this.writer.missing(flags);
    else this.writer.text(textBytes(inspect.cipherOf(ssl).name), flags);
  }

  #sslOf(stream: Stream): number {
    const { tls } = this.#samples;
    return stream.client < 0 || tls === null ? 0 : tls.sslOf(stream.client);
  }

  /** %f */
  frontendName(stream: Stream, flags: number): void {
    this.writer.text(this.#proxyNames[stream.frontend]!, flags);
  }

  /** %b: the frontend's name until a backend is chosen. */
  backendName(stream: Stream, flags: number): void {
    this.writer.text(this.#proxyNames[stream.backend < 0 ? stream.frontend : stream.backend]!, flags);
  }

  /** %s */
  serverName(stream: Stream, flags: number): void {
    if ((stream.flags & STATS) !== 0) this.writer.text(STATS_NAME, flags);
    else if (stream.cache !== null && stream.cache.entry >= 0) this.writer.text(CACHE_NAME, flags);
    else this.writer.text(stream.serverIndex < 0 ? NOSRV : this.#serverNames[stream.serverIndex]!, flags);
  }

  /** %H */
  hostname(_stream: Stream, flags: number): void {
    this.writer.text(this.#hostname, flags);
  }

  /** %OG */
  origin(_stream: Stream, flags: number): void {
    this.writer.text(ORIGIN_NAMES[this.currentOrigin]!, flags);
  }

  /** %CC, %CS, %ID: nothing is captured. */
  nothing(_stream: Stream, flags: number): void {
    this.writer.missing(flags);
  }

  /** %hr, %hs, %hrl, %hsl: without a capture not even a dash. */
  empty(): void {}

  // ---- counts -----------------------------------------------------------------------------------------------------

  /**
   * %B. What never became a request has no stream in HAProxy, and its error answer is not counted. With `option logasap` it is the
   * head that is about to be sent.
   */
  bytesRead(stream: Stream, flags: number): void {
    this.writer.plus(flags);
    let bytes = this.#streamBytes[stream.slot * STREAM_BYTES_COLUMNS + TO_CLIENT] ?? 0;
    if (bytes === 0 && (flags & PLUS) !== 0 && (stream.flags & HTTP) !== 0 && stream.responseHeadMs !== -1) {
      bytes = stream.response.end - stream.response.start;
    }
    this.writer.integer(isRefusedRequest(stream) ? 0 : bytes);
  }
  /** %U */
  bytesUploaded(stream: Stream): void {
    const at = stream.slot * STREAM_BYTES_COLUMNS + FROM_CLIENT;
    this.writer.integer(isRefusedRequest(stream) ? 0 : (this.#streamBytes[at] ?? 0));
  }
  /** %ST */
  status(stream: Stream): void {
    this.writer.integer((stream.flags & HTTP) === 0 ? 0 : stream.status);
  }
  /** %ac */
  activeConnections(stream: Stream): void {
    this.writer.integer(stream.activeConnections);
  }
  /** %fc */
  frontendConnections(stream: Stream): void {
    this.writer.integer(stream.frontendConnections);
  }
  /** %bc */
  backendConnections(stream: Stream): void {
    this.writer.integer(stream.backendConnections);
  }
  /** %sc */
  serverConnections(stream: Stream): void {
    this.writer.integer(stream.serverConnections);
  }
  /** %rc */
  retries(stream: Stream): void {
    if ((stream.flags & REDISPATCHED) !== 0) this.writer.byte(43);
    this.writer.integer(stream.retriesDone);
  }
  /** %bq */
  backendQueue(stream: Stream): void {
    this.writer.integer(stream.backendQueue);
  }
  /** %sq */
  serverQueue(stream: Stream): void {
    this.writer.integer(stream.serverQueue);
  }
  /** %lc */
  frontendLogCounter(stream: Stream, flags: number): void {
    this.writer.number(this.lines[stream.frontend]!, 4, flags);
  }
  /** %rt */
  requestCounter(stream: Stream, flags: number): void {
    this.writer.number(stream.requestCounter, 4, flags);
  }
  /** %pid */
  processId(_stream: Stream, flags: number): void {
    this.writer.number(this.#pid, 4, flags);
  }
  /** %ts */
  terminationState(stream: Stream): void {
    this.writer.byte(stream.endBy);
    this.writer.byte(stream.endState);
  }
  /** %tsc */
  terminationStateWithCookie(stream: Stream): void {
    this.terminationState(stream);
    const hasCookie = this.#hasCookie[stream.backend < 0 ? stream.frontend : stream.backend] === 1;
    this.writer.byte(hasCookie ? REQUEST_COOKIE_LETTERS[stream.requestCookie]! : DASH);
    this.writer.byte(hasCookie ? RESPONSE_COOKIE_LETTERS[stream.responseCookie]! : DASH);
  }

  // ---- shared forms -----------------------------------------------------------------------------------------------

  #socketIp(slot: number, flags: number): void {
    const length = slot < 0 ? 0 : this.#socketName(this.#connections.socketOf(slot), this.#socketAddress);
    if (length === 0) this.writer.missing(flags);
    else this.writer.address(this.#socketAddress, 0, length, flags);
  }

  #socketPort(slot: number, flags: number): void {
    const length = slot < 0 ? 0 : this.#socketName(this.#connections.socketOf(slot), this.#socketAddress);
    if (length === 0) this.writer.missing(flags);
    else this.writer.number((this.#socketAddress[16]! << 8) | this.#socketAddress[17]!, 4, flags);
  }
}
