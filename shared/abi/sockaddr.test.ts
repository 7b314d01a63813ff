// Socket addresses through the kernel and back: what is encoded can be bound, and what getsockname gives decodes to the same.

import { rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { close } from "../ffi/file.ts";
import { AF_INET, AF_INET6, AF_UNIX, bind, getsockname, SOCK_CLOEXEC, SOCK_STREAM, socket } from "../ffi/socket.ts";
import {
  copySockaddrAddress,
  decodeUnixAddress,
  encodeInternetAddress,
  encodeUnixAbstract,
  encodeUnixPath,
  SOCKADDR_BYTES_MAX,
  sockaddrFamily,
  sockaddrPort,
} from "./sockaddr.ts";

/** Binds `sockaddr` and returns what the kernel calls it. */
function throughKernel(family: number, sockaddr: Uint8Array): { bytes: Uint8Array; length: number } {
  const fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bound = bind(fd, sockaddr);
  if (bound < 0) throw new Error(`bind: errno ${-bound}`);
  const bytes = new Uint8Array(SOCKADDR_BYTES_MAX);
  const length = getsockname(fd, bytes);
  close(fd);
  return { bytes, length };
}

t.test("IPv4", async (t) => {
  const { bytes, length } = throughKernel(AF_INET, encodeInternetAddress(Uint8Array.of(127, 0, 0, 9), 0));
  t.equal(length, 16);
  t.equal(sockaddrFamily(bytes, 0), AF_INET);
  t.ok(sockaddrPort(bytes, 0) > 0, "the kernel chose a port");
  const row = new Uint8Array(32).fill(0xee);
  t.equal(copySockaddrAddress(bytes, 0, row, 16), 4);
  t.same([...row.subarray(15, 21)], [0xee, 127, 0, 0, 9, 0xee]);
  t.equal(
    sockaddrPort(encodeInternetAddress(Uint8Array.of(1, 2, 3, 4), 0xabcd), 0),
    0xabcd,
    "ports are in network order",
  );
});

t.test("IPv6", async (t) => {
  const loopback = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
  const encoded = encodeInternetAddress(loopback, 443, 7);
  t.equal(encoded.length, 28);
  t.equal(new DataView(encoded.buffer).getUint32(24, true), 7, "scope");
  t.equal(sockaddrPort(encoded, 0), 443);
  if (!networkInterfaces()["lo"]?.some(({ address }) => address === "::1")) {
    t.comment("SKIPPED: this machine has no ::1, only the encoding was tested");
    return;
  }
  const { bytes, length } = throughKernel(AF_INET6, encodeInternetAddress(loopback, 0));
  t.equal(length, 28);
  const row = new Uint8Array(16);
  t.equal(copySockaddrAddress(bytes, 0, row, 0), 16);
  t.same(row, loopback);
});

t.test("UNIX: path, abstract, too long, unnamed", async (t) => {
  const path = join(tmpdir(), `ringway-${process.pid}.sock`);
  t.teardown(() => rmSync(path, { force: true }));
  const named = throughKernel(AF_UNIX, encodeUnixPath(path)!);
  t.equal(decodeUnixAddress(named.bytes, named.length), path);
  t.equal(sockaddrPort(named.bytes, 0), -1);
  t.equal(copySockaddrAddress(named.bytes, 0, new Uint8Array(16), 0), 0);

  const name = `ringway-${process.pid}`;
  const short = throughKernel(AF_UNIX, encodeUnixAbstract(name, false)!);
  t.equal(short.length, 3 + name.length, "the name ends where it ends");
  t.equal(decodeUnixAddress(short.bytes, short.length), `@${name}`);
  const padded = throughKernel(AF_UNIX, encodeUnixAbstract(name, true)!);
  t.equal(padded.length, 110, "padding is part of the name");
  t.equal(decodeUnixAddress(padded.bytes, padded.length), `@${name}`);

  t.equal(encodeUnixPath("x".repeat(107))!.length, 110);
  t.equal(encodeUnixPath("x".repeat(108)), null);
  t.equal(encodeUnixAbstract("x".repeat(108), false), null);
  t.equal(decodeUnixAddress(Uint8Array.of(1, 0), 2), "");
});
