// The VRRP thread. It shares its thread with nothing: no scripts, no files, no mail, no log, all of which the main thread does.
//
// It waits in ppoll(2), not in Node's event loop and not in the reactor: raw and netlink sockets are no streams, a timeout of nanoseconds
// is to be had, and nothing of Node (timers phase, microtasks, immediates) stands between a readable socket and the state machine. The
// price is that messages of the main thread need an eventfd beside their port.
//
// Lateness of a 10 ms wait in a worker thread, 300 waits each, on a two-core machine that was busy all the time (load 8; ms):
//
//                              p50     p99       max
//   setTimeout                 0.18    46-108    69-152
//   ppoll                      0.13    27-49     40-159
//   ppoll with SCHED_RR 1      0.08    0.2-1.6   0.3-6.6
//
// So ppoll alone gains little; what counts is the real-time priority (scheduling.ts), which makes sense only for a thread that does
// nothing but this.

import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { ERRNO, errnoMeaning } from "../../shared/abi/errno.ts";
import { POLLFD, RAW_SOCKET } from "../../shared/abi/packet-socket.ts";
import { assert } from "../../shared/assert.ts";
import { readEventfd } from "../../shared/ffi/file.ts";
import { ppoll } from "../../shared/ffi/poll.ts";
import { Engine } from "./engine.ts";
import type { FromThread, ThreadData, ToThread } from "./messages.ts";
import { arrangeScheduling } from "./scheduling.ts";

/** The longest wait, so that `terminate` of the main thread is not kept waiting. */
const WAIT_MAX_MS = 500;

const { plan, port, wakeFd, standby } = workerData as ThreadData;
const tell = (message: FromThread) => port.postMessage(message);

run(port);

function run(messages: MessagePort): void {
  for (const { level, text } of arrangeScheduling(plan.global.scheduling)) tell({ kind: "log", level, text });
  const engine = Engine.open(plan, standby, tell);
  if (typeof engine === "string") {
    tell({ kind: "fatal", text: engine });
    return;
  }
  if (!standby) engine.start(null);
  tell({ kind: "ready" });
  const entries = new Int32Array(2 * 256);
  while (!engine.isDone) {
    const count = fill(entries, [wakeFd, ...engine.descriptors()]);
    const waitMs = Math.min(WAIT_MAX_MS, Math.max(0, engine.nextDeadlineMs - performance.now()));
    const ready = ppoll(entries, count, waitMs);
    assert(ready >= 0 || ready === -ERRNO["EINTR"]!, `ppoll: ${errnoMeaning(ready)}`);
    if (ready > 0) {
      engine.receivePackets();
      if (happened(entries, 1)) engine.interfaces.readReports();
      if (happened(entries, 0)) takeMessages(messages, engine);
    }
    engine.tick();
  }
  engine.close();
  tell({ kind: "stopped" });
}

function fill(entries: Int32Array, descriptors: readonly number[]): number {
  assert(descriptors.length * 2 <= entries.length, "there is room for every descriptor");
  const words = POLLFD.sizeof / 4;
  for (const [index, fd] of descriptors.entries()) {
    entries[index * words] = fd;
    entries[index * words + 1] = RAW_SOCKET.POLLIN;
  }
  return descriptors.length;
}

/** Whether poll reported anything for the entry: the upper half of its second word. */
function happened(entries: Int32Array, index: number): boolean {
  return entries[index * 2 + 1]! >>> 16 !== 0;
}

function takeMessages(messages: MessagePort, engine: Engine): void {
  readEventfd(wakeFd);
  for (;;) {
    const received = receiveMessageOnPort(messages) as { message: ToThread } | undefined;
    if (received === undefined) return;
    engine.onMessage(received.message);
  }
}
