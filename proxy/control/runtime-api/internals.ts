// What the process is made of, for support: `show fd`, `show pools`, `show threads`, `show libs`, `show dev`. HAProxy's layouts where tools or
// habits know them; what it lists of its own inside (poller masks, backtraces) has no counterpart here and is left out, not invented.

import { readdirSync, readlinkSync } from "node:fs";
import { availableParallelism, release } from "node:os";
import type { SocketAddressPlan } from "../../plan/plan.ts";
import { WORKER } from "../../shared-state/layout.ts";
import { threadSeconds } from "../../stats/idle.ts";
import { loadedObjects } from "../loaded-objects.ts";
import { type Command, failure, NOTHING, type RuntimeContext } from "./command.ts";

/** Bytes of a connection's row in the tables of connection/table.ts, and of a Stream object, roughly. */
const ROW_BYTES = 126;
const STREAM_BYTES = 4096;

interface Descriptor {
  readonly fd: number;
  /** What /proc says it is: `socket:[4711]`, `anon_inode:[io_uring]`, a path. */
  readonly target: string;
  readonly kind: "p" | "l" | "c" | "f" | "s" | "o";
}

export const showFd: Command = {
  words: ["show", "fd"],
  usage: "show fd [-!plcfbs]* [num]",
  description: "dump list of file descriptors in use or a specific one",
  level: "operator",
  run({ args }, context) {
    let kinds: string | null = null;
    let wanted: number | null = null;
    for (const word of args) {
      if (/^-[!plcfbs]+$/.test(word)) kinds = word.slice(1);
      else if (/^\d+$/.test(word)) wanted = Number(word);
      else return failure("Invalid FD type\n");
    }
    const shown = descriptors(context).filter(({ fd, kind }) => {
      if (wanted !== null) return fd === wanted;
      if (kinds === null) return true;
      const listed = kinds.replaceAll("!", "").includes(kind);
      return kinds.includes("!") ? !listed : listed;
    });
    return { text: shown.map((descriptor) => descriptorLine(descriptor, context)).join("") };
  },
};

/** Out of reach in a chroot without /proc: then only the sockets that the plan knows. */
function descriptors({ control }: RuntimeContext): Descriptor[] {
  let names: string[];
  try {
    names = readdirSync("/proc/self/fd");
  } catch {
    return control.statsSockets.map(({ fd }) => ({ fd, target: "socket", kind: "l" }));
  }
  const listening = new Set([...control.listeningFds().keys(), ...control.statsSockets.map(({ fd }) => fd)]);
  return names
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((fd) => {
      let target: string;
      try {
        target = readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return []; // The descriptor that was used for reading the folder.
      }
      const kind = listening.has(fd)
        ? "l"
        : target.startsWith("socket:")
          ? "c"
          : target.startsWith("pipe:")
            ? "p"
            : "o";
      return [{ fd, target, kind }];
    });
}

function descriptorLine({ fd, target, kind }: Descriptor, { control }: RuntimeContext): string {
  const number = `${String(fd).padStart(7)} : `;
  const listener = control.plan.listeners[control.listeningFds().get(fd) ?? -1];
  if (listener !== undefined) {
    const { address } = listener;
    const port = address.kind === "ipv4" || address.kind === "ipv6" ? ` lport=${address.port}` : "";
    const proxy = control.plan.proxies[listener.proxy];
    return `${number}l.st=RDY fe=${proxy.name} fam=${family(address)}${port} owner=${target}\n`;
  }
  const stats = control.statsSockets.find((socket) => socket.fd === fd);
  if (stats !== undefined) return `${number}l.st=RDY fe=GLOBAL fam=${family(stats.plan.address)} owner=${target}\n`;
  return `${number}kind=${kind === "c" ? "connection" : kind === "p" ? "pipe" : "other"} owner=${target}\n`;
}

function family({ kind }: SocketAddressPlan): string {
  return kind === "abns" || kind === "unix" ? "unix" : kind;
}

interface Pool {
  readonly name: string;
  readonly itemBytes: number;
  readonly allocated: number;
  readonly used: number;
}

export const showPools: Command = {
  words: ["show", "pools"],
  usage: "show pools [by*] [match <pfx>] [nb]",
  description: "report information about the memory pools usage",
  level: "user",
  run({ args }, { control }) {
    let list = pools(control);
    let limit = Number.POSITIVE_INFINITY;
    for (let i = 0; i < args.length; i++) {
      const word = args[i];
      if (word === "byname") list.sort((a, b) => (a.name < b.name ? -1 : 1));
      else if (word === "bysize") list.sort((a, b) => b.itemBytes - a.itemBytes);
      else if (word === "byusage") list = byUsage(list);
      else if (word === "match") list = list.filter(({ name }) => name.startsWith(args[i + 1] ?? ""));
      else if (/^\d+$/.test(word)) limit = Number(word);
      if (word === "match") i++;
    }
    const shown = list.slice(0, limit);
    const sum = (of: (pool: Pool) => number): number => shown.reduce((total, pool) => total + of(pool), 0);
    const lines = shown.map(
      ({ name, itemBytes, allocated, used }) =>
        `  - Pool ${name} (${itemBytes} bytes) : ${allocated} allocated (${allocated * itemBytes} bytes), ${used} used (~0 by thread caches), needed_avg ${used}, 0 failures, ${control.shared.nbthread} users`,
    );
    const total = `Total: ${shown.length} pools, ${sum((p) => p.allocated * p.itemBytes)} bytes allocated, ${sum((p) => p.used * p.itemBytes)} used.`;
    return { text: `${["Dumping pools usage. Use SIGQUIT to flush them.", ...lines, total].join("\n")}\n` };
  },
};

function byUsage(list: readonly Pool[]): Pool[] {
  return list.filter(({ used }) => used > 0).sort((a, b) => b.used * b.itemBytes - a.used * a.itemBytes);
}

function pools({ shared, plan }: RuntimeContext["control"]): Pool[] {
  const sum = (word: number): number => {
    let total = 0;
    for (let worker = 0; worker < shared.nbthread; worker++) total += shared.words[shared.workerAt(worker) + word];
    return total;
  };
  const pool = (name: string, itemBytes: number, all: number, used: number): Pool => {
    return { name, itemBytes, allocated: sum(all), used: sum(used) };
  };
  return [
    pool("buffer", plan.global.bufsizeBytes, WORKER.buffers, WORKER.buffersUsed),
    pool("connection", ROW_BYTES, WORKER.rows, WORKER.rowsUsed),
    pool("stream", STREAM_BYTES, WORKER.streams, WORKER.streamsUsed),
  ];
}

export const showThreads: Command = {
  words: ["show", "threads"],
  usage: "show threads",
  description: "show some threads debugging information",
  level: "user",
  run(_call, { control }) {
    const { shared, workers } = control;
    const lines: string[] = [];
    for (let worker = 0; worker < shared.nbthread; worker++) {
      const word = (index: number): number => shared.words[shared.workerAt(worker) + index];
      const cpuMs = word(WORKER.tid) === 0 ? 0 : Math.round(threadSeconds(word(WORKER.tid)) * 1000);
      const state = ["starting", "running", "stopped", "dead"][word(WORKER.state)] ?? "unknown";
      lines.push(
        `  Thread ${worker + 1} : id=${word(WORKER.tid)} act=${word(WORKER.state) === 1 ? 1 : 0} state=${state} engine=${workers.engines[worker] ?? ""}`,
        `      1/${worker + 1}    loops=${word(WORKER.heartbeat) >>> 0} stuck=0 restarts=${word(WORKER.restarts)}`,
        `             cpu_ms: total=${cpuMs}`,
        `             streams=${word(WORKER.streamsUsed)} connections=${word(WORKER.rowsUsed)} buffers=${word(WORKER.buffersUsed)}`,
      );
    }
    return { text: `${lines.join("\n")}\n` };
  },
};

export const showLibs: Command = {
  words: ["show", "libs"],
  usage: "show libs",
  description: "show loaded object files and libraries",
  level: "operator",
  run: () => ({ text: loadedObjects() }),
};

export const showDev: Command = {
  words: ["show", "dev"],
  usage: "show dev",
  description: "show debug info for developers",
  level: "user",
  run(_call, { control }) {
    const { process: facts, workers, plan } = control;
    const lines = [
      `HAProxy version ${facts.version}`,
      "Platform info:",
      `  node ${process.version}, v8 ${process.versions.v8}, openssl ${process.versions.openssl}`,
      `  ${process.platform} ${release()} ${process.arch}, ${availableParallelism()} processors`,
      "Process info:",
      `  pid: ${facts.pid}`,
      `  engines: ${[...new Set(workers.engines)].join(", ")}`,
      `  threads: ${plan.global.nbthread}, fd max: ${facts.descriptorsMax}, maxconn: ${facts.maxconn}`,
      `  configuration: ${facts.configurationFiles.join(" ")}`,
    ];
    return { text: `${lines.join("\n")}\n` };
  },
};

export const showStartupLogs: Command = {
  words: ["show", "startup-logs"],
  usage: "show startup-logs",
  description: "report logs emitted during HAProxy startup",
  level: "operator",
  run(_call, { control }) {
    const text = control.startupLog();
    return text === "" ? NOTHING : { text };
  },
};
