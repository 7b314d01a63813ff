// Notifications as systemd's socket gets them: a path or an abstract name, and nothing where nobody asked.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { encodeUnixAbstract, encodeUnixPath } from "../../shared/abi/sockaddr.ts";
import { close } from "../../shared/ffi/file.ts";
import { AF_UNIX, bind, MSG_DONTWAIT, recv, SOCK_DGRAM, socket } from "../../shared/ffi/socket.ts";
import { SystemdNotifier } from "./notify.ts";

t.test("each kind of socket gets each notification", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ringway-notify-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "notify");
  const name = `ringway-notify-${process.pid}`;
  for (const [variable, sockaddr] of [
    [path, encodeUnixPath(path)!],
    [`@${name}`, encodeUnixAbstract(name, false)!],
  ] as const) {
    const fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    t.equal(bind(fd, sockaddr), 0);
    const heard = (): string => {
      const bytes = new Uint8Array(1024);
      const length = recv(fd, bytes, MSG_DONTWAIT);
      return length < 0 ? "" : Buffer.from(bytes.subarray(0, length)).toString();
    };
    process.env["NOTIFY_SOCKET"] = variable;
    const notifier = new SystemdNotifier(true);
    t.notOk("NOTIFY_SOCKET" in process.env, "children do not speak for us");
    notifier.ready();
    t.equal(heard(), `READY=1\nMAINPID=${process.pid}\nSTATUS=Ready.\n`);
    notifier.reloading();
    t.match(heard(), /^RELOADING=1\nSTATUS=Reloading Configuration\.\nMONOTONIC_USEC=\d+\n$/);
    notifier.reloadFailed();
    t.equal(heard(), "READY=1\nSTATUS=Reload failed!\n");
    notifier.stopping();
    t.equal(heard(), "STOPPING=1\n");

    process.env["NOTIFY_SOCKET"] = variable;
    new SystemdNotifier(false).ready();
    t.equal(heard(), "", "-W alone says nothing");
    close(fd);
  }
  process.env["NOTIFY_SOCKET"] = join(folder, "nobody");
  new SystemdNotifier(true).ready();
  t.pass("a socket that is not there is no failure");
});
