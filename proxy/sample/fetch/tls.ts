// Fetches of encrypted connections, configuration.txt 7.3.4: what was agreed with the client (ssl_fc_*) or the server (ssl_bc_*), why connections
// failed, and what is kept of hellos and secrets when `global` asks for it. Certificates are certificate.ts's.

import * as openssl from "../../../shared/ffi/openssl.ts";
import * as inspect from "../../../shared/ffi/openssl-inspect.ts";
import { connectionErrorName, connectionErrorText } from "../../connection/errors.ts";
import type { SamplePlan } from "../../plan/expression.ts";
import type { Stream } from "../../stream/stream.ts";
import type { CapturedHello } from "../../tls/captures.ts";
import { withoutGrease } from "../../tls/client-hello.ts";
import type { SampleContext } from "../context.ts";
import { setWords } from "../integer64.ts";
import { KEYLOG_SECRETS } from "../tls.table.ts";
import { TYPE } from "../types.ts";
import { type Result, textBytes } from "../value.ts";
import { Words64 } from "../words64.ts";
import { xxh64 } from "../xxh.ts";
import { type FetchCompiler, integerArgument, single } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;

/** The connection that a family of fetches is about. */
export type Side = "client" | "server";

/** The side's SSL object, 0: it is not encrypted, or not there. */
export const sslOf = (ctx: SampleContext, side: Side, stream: Stream): number => {
  const slot = slotOf(ctx, side, stream);
  return slot < 0 || ctx.tls === null ? 0 : ctx.tls.sslOf(slot);
};

/** The side's row, -1: there is none. For log lines the server's is the one that served the stream, as long as it lives. */
function slotOf({ connections }: SampleContext, side: Side, stream: Stream): number {
  if (side === "client") return stream.client;
  const { server, formerServer } = stream;
  if (server >= 0 || formerServer < 0) return server;
  return connections.generation[formerServer] === stream.formerGeneration ? formerServer : -1;
}

/** Bytes that are not there when there are none. */
export function setBytes({ value }: SampleContext, type: number, bytes: Uint8Array): Result {
  if (bytes.length === 0) return FAIL;
  value.type = type;
  value.bytes = bytes;
  value.start = 0;
  value.end = bytes.length;
  return PASS;
}

export function setInteger({ value }: SampleContext, type: number, int: number): Result {
  value.type = type;
  value.int = int;
  return PASS;
}

/** A truth about an encrypted connection; what is not encrypted has none, or `otherwise` 0. */
function truth(side: Side, read: (ssl: number) => boolean, otherwise: 0 | null = null): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const ssl = sslOf(ctx, side, stream);
      if (ssl === 0) return otherwise === null ? FAIL : setInteger(ctx, TYPE.bool, otherwise);
      return setInteger(ctx, TYPE.bool, read(ssl) ? 1 : 0);
    });
}

/** A fetch that is not there where the connection is not encrypted. */
export function integer(side: Side, read: (ssl: number) => number): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const ssl = sslOf(ctx, side, stream);
      return ssl === 0 ? FAIL : setInteger(ctx, TYPE.sint, read(ssl));
    });
}

/** As `integer`; "" is not there either. */
function text(side: Side, read: (ssl: number) => string): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const ssl = sslOf(ctx, side, stream);
      return ssl === 0 ? FAIL : setBytes(ctx, TYPE.str, textBytes(read(ssl)));
    });
}

function binary(side: Side, read: (ssl: number) => Uint8Array): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const ssl = sslOf(ctx, side, stream);
      return ssl === 0 ? FAIL : setBytes(ctx, TYPE.bin, read(ssl));
    });
}

/** ssl_fc and ssl_bc: there is always an answer, as long as there is a connection. */
const isEncrypted =
  (side: Side): FetchCompiler =>
  (ctx) =>
    single((stream) => {
      if (slotOf(ctx, side, stream) < 0) return FAIL;
      return setInteger(ctx, TYPE.bool, sslOf(ctx, side, stream) !== 0 ? 1 : 0);
    });

/** OpenSSL's number of what went wrong; of a server also when its connection is gone. -1: it is not encrypted. */
function errorOf(ctx: SampleContext, side: Side, stream: Stream): number {
  const slot = slotOf(ctx, side, stream);
  if (slot < 0) return stream.serverTlsError;
  return sslOf(ctx, side, stream) === 0 ? -1 : ctx.tls!.errorOf(slot);
}

const tlsError =
  (side: Side): FetchCompiler =>
  (ctx) =>
    single((stream) => {
      const error = errorOf(ctx, side, stream);
      return error < 0 ? FAIL : setInteger(ctx, TYPE.sint, error);
    });

const tlsErrorText =
  (side: Side): FetchCompiler =>
  (ctx) =>
    single((stream) => {
      const error = errorOf(ctx, side, stream);
      return error <= 0 ? FAIL : setBytes(ctx, TYPE.str, textBytes(openssl.errorText(error)));
    });

/** Connections as such: fc_err and its kin. */
function connectionError(side: Side, show: ((error: number) => string) | null): FetchCompiler {
  return (ctx) =>
    single((stream) => {
      const slot = slotOf(ctx, side, stream);
      if (slot < 0 && (side === "client" || (stream.serverError === 0 && stream.formerServer < 0))) return FAIL;
      const error = slot < 0 ? stream.serverError : ctx.connections.error[slot]!;
      if (show === null) return setInteger(ctx, TYPE.sint, error);
      return setBytes(ctx, TYPE.str, textBytes(show(error)));
    });
}

const connectionFetches = (prefix: "fc" | "bc", side: Side): Record<string, FetchCompiler> => ({
  [`${prefix}_err`]: connectionError(side, null),
  [`${prefix}_err_name`]: connectionError(side, connectionErrorName),
  [`${prefix}_err_str`]: connectionError(side, connectionErrorText),
});

/** A secret that `tune.ssl.keylog` keeps: hexadecimal text. */
const secret =
  (side: Side, label: string): FetchCompiler =>
  (ctx) =>
    single((stream) => {
      const slot = slotOf(ctx, side, stream);
      const kept =
        slot < 0 ? undefined : ctx.tls?.captures.secretsOf(ctx.connections.carrier[slot]!)?.get(label.toUpperCase());
      return kept === undefined ? FAIL : setBytes(ctx, TYPE.str, kept);
    });

function tlsFetches(prefix: "ssl_fc" | "ssl_bc", side: Side): Record<string, FetchCompiler> {
  return {
    [prefix]: isEncrypted(side),
    [`${prefix}_alg_keysize`]: integer(side, (ssl) => inspect.cipherOf(ssl).algorithmBits),
    [`${prefix}_alpn`]: text(side, inspect.protocolOf),
    [`${prefix}_cipher`]: text(side, (ssl) => inspect.cipherOf(ssl).name),
    [`${prefix}_client_random`]: binary(side, inspect.clientRandomOf),
    [`${prefix}_curve`]: text(side, inspect.curveOf),
    [`${prefix}_err`]: tlsError(side),
    [`${prefix}_err_str`]: tlsErrorText(side),
    [`${prefix}_is_resumed`]: truth(side, (ssl) => inspect.isResumed(ssl) === 1, 0),
    // NPN left TLS long ago: nobody negotiates it.
    [`${prefix}_npn`]: () => single(() => FAIL),
    [`${prefix}_protocol`]: text(side, inspect.versionOf),
    [`${prefix}_server_random`]: binary(side, inspect.serverRandomOf),
    [`${prefix}_session_id`]: binary(side, inspect.sessionIdOf),
    [`${prefix}_session_key`]: binary(side, inspect.masterKeyOf),
    [`${prefix}_unique_id`]: binary(side, (ssl) => inspect.uniqueIdOf(ssl, side === "client")),
    [`${prefix}_use_keysize`]: integer(side, (ssl) => inspect.cipherOf(ssl).bits),
    ...Object.fromEntries(KEYLOG_SECRETS.map((label) => [`${prefix}_${label}`, secret(side, label)])),
  };
}

const helloOf = (ctx: SampleContext, stream: Stream): CapturedHello | null =>
  stream.client < 0 ? null : (ctx.tls?.captures.helloOf(ctx.connections.carrier[stream.client]!) ?? null);

/** A list of the client's hello; with an argument of 1 without GREASE. */
function captured(
  type: number,
  read: (hello: CapturedHello) => Uint8Array,
  show: (list: Uint8Array, ssl: number) => Uint8Array = (list) => list,
): FetchCompiler {
  return (ctx, plan: SamplePlan) => {
    const isFiltered = integerArgument(plan, 0, 0) !== 0;
    return single((stream) => {
      const hello = helloOf(ctx, stream);
      if (hello === null) return FAIL;
      const list = read(hello);
      return setBytes(ctx, type, show(isFiltered ? withoutGrease(list) : list, ctx.tls!.sslOf(stream.client)));
    });
  };
}

function cipherNames(list: Uint8Array, ssl: number): Uint8Array {
  const names: string[] = [];
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = inspect.cipherName(ssl, list[i]!, list[i + 1]!);
    names.push(name === "" ? `UNKNOWN(${Buffer.from(list.subarray(i, i + 2)).toString("hex")})` : name);
  }
  return textBytes(names.join(","));
}

const cipherHash: FetchCompiler = (ctx) => {
  const hash = new Words64();
  const seed = new Words64();
  return single((stream) => {
    const hello = helloOf(ctx, stream);
    if (hello === null) return FAIL;
    xxh64(hello.ciphers, 0, hello.ciphers.length, seed, hash);
    ctx.value.type = TYPE.sint;
    setWords(ctx.value, hash.high, hash.low);
    return PASS;
  });
};

const showedOne = (ssl: number): boolean => {
  const certificate = inspect.peerCertificate(ssl);
  openssl.freeCertificate(certificate);
  return certificate !== 0;
};

/** By canonical name, see tls.table.ts. */
export const TLS_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  ...connectionFetches("fc", "client"),
  ...connectionFetches("bc", "server"),
  ...tlsFetches("ssl_fc", "client"),
  ...tlsFetches("ssl_bc", "server"),
  ssl_c_ca_err: (ctx) => single((stream) => fault(ctx, stream, 0)),
  ssl_c_ca_err_depth: (ctx) => single((stream) => fault(ctx, stream, 1)),
  ssl_c_err: (ctx) => single((stream) => fault(ctx, stream, 2)),
  ssl_c_used: truth("client", showedOne),
  ssl_c_verify: integer("client", openssl.verifyResult),
  ssl_fc_cipherlist_bin: captured(TYPE.str, ({ ciphers }) => ciphers),
  ssl_fc_cipherlist_hex: captured(
    TYPE.bin,
    ({ ciphers }) => ciphers,
    (list) => textBytes(Buffer.from(list).toString("hex").toUpperCase()),
  ),
  ssl_fc_cipherlist_str: captured(TYPE.str, ({ ciphers }) => ciphers, cipherNames),
  ssl_fc_cipherlist_xxh: cipherHash,
  ssl_fc_ecformats_bin: captured(TYPE.str, ({ pointFormats }) => pointFormats),
  ssl_fc_eclist_bin: captured(TYPE.str, ({ groups }) => groups),
  ssl_fc_extlist_bin: captured(TYPE.str, ({ extensions }) => extensions),
  ssl_fc_has_crt: truth("client", (ssl) => inspect.isResumed(ssl) === 0 && showedOne(ssl)),
  // Early data is not accepted.
  ssl_fc_has_early: truth("client", () => false),
  ssl_fc_has_sni: truth("client", (ssl) => openssl.serverNameOf(ssl) !== "", 0),
  ssl_fc_protocol_hello_id: (ctx) =>
    single((stream) => {
      const hello = helloOf(ctx, stream);
      return hello === null ? FAIL : setInteger(ctx, TYPE.sint, hello.version);
    }),
  ssl_fc_sigalgs_bin: captured(TYPE.bin, ({ signatureAlgorithms }) => signatureAlgorithms),
  ssl_fc_sni: text("client", openssl.serverNameOf),
  ssl_fc_supported_versions_bin: captured(TYPE.bin, ({ versions }) => versions),
};

/** What was first wrong with the client's certificates: of authorities (and at which depth), of its own. */
function fault(ctx: SampleContext, stream: Stream, which: 0 | 1 | 2): Result {
  if (sslOf(ctx, "client", stream) === 0) return FAIL;
  const faults = ctx.tls!.captures.faultsOf(ctx.connections.carrier[stream.client]!);
  const number = faults === undefined ? 0 : [faults.authority, faults.depth, faults.own][which]!;
  return setInteger(ctx, TYPE.sint, number);
}
