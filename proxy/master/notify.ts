// sd_notify(3) without libsystemd: one datagram to the UNIX socket that NOTIFY_SOCKET names, a path or `@` and an abstract name. Whoever set
// it up reads it or does not; nothing here fails a start.

import { encodeUnixAbstract, encodeUnixPath } from "../../shared/abi/sockaddr.ts";
import { close } from "../../shared/ffi/file.ts";
import { AF_UNIX, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_DGRAM, sendto, socket } from "../../shared/ffi/socket.ts";

const MICROSECONDS_PER_NANOSECOND = 1000n;

export class SystemdNotifier {
  readonly #target: Uint8Array | null;

  /** @param wanted -Ws. Without it, or without NOTIFY_SOCKET, nothing is ever sent. */
  constructor(wanted: boolean) {
    const name = process.env["NOTIFY_SOCKET"] ?? "";
    delete process.env["NOTIFY_SOCKET"]; // Children must not speak for us.
    if (!wanted || name === "") this.#target = null;
    else this.#target = name.startsWith("@") ? encodeUnixAbstract(name.slice(1), false) : encodeUnixPath(name);
  }

  ready(): void {
    this.#send(`READY=1\nMAINPID=${process.pid}\nSTATUS=Ready.\n`);
  }

  reloading(): void {
    const microseconds = process.hrtime.bigint() / MICROSECONDS_PER_NANOSECOND;
    this.#send(`RELOADING=1\nSTATUS=Reloading Configuration.\nMONOTONIC_USEC=${microseconds}\n`);
  }

  reloadFailed(): void {
    this.#send("READY=1\nSTATUS=Reload failed!\n");
  }

  stopping(): void {
    this.#send("STOPPING=1\n");
  }

  #send(text: string): void {
    if (this.#target === null) return;
    const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    sendto(fd, Buffer.from(text), MSG_NOSIGNAL, this.#target);
    close(fd);
  }
}
