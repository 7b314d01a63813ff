// Keywords of global_defs about the processes: scheduling, memory, names. keepalived has three processes, we have one with a VRRP thread: what
// is said of keepalived's VRRP process counts for that thread.

import type { GlobalDraft } from "../drafts.ts";
import type { Context, Keyword } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { flag, ignored, integer, line, parseInteger, requireWord, text, UNSIGNED_MAX } from "../values.ts";

/** `vrrp_rt_priority`: what is too high or low is set to the bound. */
function readRealtimePriority(draft: GlobalDraft, statement: Statement, context: Context): void {
  const word = statement.words[1];
  const report = (message: string) =>
    context.report.fault("invalid-number", placeOf(statement, 1), message, { expected: "a number from 1 to 99" });
  if (word === undefined) report("No vrrp process real-time priority specified");
  else {
    const value = parseInteger(word.text, { min: -UNSIGNED_MAX, max: UNSIGNED_MAX });
    if (value === null) report(`vrrp process real-time priority '${word.text}' invalid`);
    else if (value > 99)
      report(`vrrp process real-time priority ${value} greater than maximum 99 - setting to maximum`);
    else if (value < 1) report(`vrrp process real-time priority ${value} less than minimum 1 - setting to minimum`);
    if (value !== null) draft.realtimePriority = Math.min(99, Math.max(1, value));
  }
}

function readCpuAffinity(draft: GlobalDraft, statement: Statement, context: Context): void {
  if (statement.words.length < 2) {
    context.report.fault("missing-parameter", placeOf(statement, 1), "No vrrp cpu_id set specified");
  }
  for (const word of statement.words.slice(1)) {
    const value = parseInteger(word.text, { min: 0, max: 1023 });
    if (value !== null) draft.cpuAffinity.push(value);
    else {
      const message = `Invalid cpu_id:${word.text} specified for vrrp process`;
      context.report.fault("invalid-number", word.place, message, { expected: "numbers of processors, from 0" });
    }
  }
}

function readNice(draft: GlobalDraft, statement: Statement, context: Context): void {
  const value = parseInteger(statement.words[1]?.text ?? "", { min: -20, max: 19 });
  if (value !== null) draft.nice = value;
  else {
    const details = { expected: "a number from -20 to 19" };
    const message =
      statement.words.length < 2 ? "No vrrp process priority specified" : "Invalid vrrp process priority specified";
    context.report.fault("invalid-number", placeOf(statement, 1), message, details);
  }
}

function readMaxAutoPriority(draft: GlobalDraft, statement: Statement, context: Context): void {
  const word = statement.words[1];
  const value = word === undefined ? 99 : parseInteger(word.text, { min: -1, max: 99 });
  if (value !== null) draft.maxAutoPriority = value;
  else {
    const message = `max_auto_priority '${word!.text}' must be in [0, 99] (or -1 to disable) - ignoring`;
    context.report.fault("invalid-number", word!.place, message, { expected: "a number from -1 to 99" });
  }
}

const UMASK_BITS: Readonly<Record<string, number>> = {
  IRUSR: 0o400,
  IWUSR: 0o200,
  IXUSR: 0o100,
  IRGRP: 0o040,
  IWGRP: 0o020,
  IXGRP: 0o010,
  IROTH: 0o004,
  IWOTH: 0o002,
  IXOTH: 0o001,
};

/** A number in C's notation, or `IWGRP | IWOTH`. */
function readUmask(draft: GlobalDraft, statement: Statement, context: Context): void {
  const first = requireWord(statement, 1, context);
  if (first === null) return;
  if (/^\d/.test(first.text)) {
    const isNumber = /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(first.text);
    const value = !isNumber ? -1 : /^0[0-7]+$/.test(first.text) ? Number.parseInt(first.text, 8) : Number(first.text);
    if (value >= 0 && value <= 0o777) draft.umask = value;
    else context.report.fault("invalid-number", first.place, `invalid umask value ${first.text}`);
    return;
  }
  let umask = 0;
  for (const word of statement.words.slice(1)) {
    for (const name of word.text.split("|").filter((part) => part !== "")) {
      const bit = UMASK_BITS[name];
      if (bit === undefined) {
        const details = { expected: "I, then R, W or X, then USR, GRP or OTH, such as IWOTH" };
        context.report.fault("invalid-value", word.place, `Unknown umask bit ${name}`, details);
        return;
      }
      umask |= bit;
    }
  }
  draft.umask = umask;
}

/** keepalived's other processes do their work in ours, which does not delay VRRP. */
const OTHER_PROCESSES = ["checker", "bfd"].flatMap((process) =>
  ["priority", "no_swap", "rt_priority", "cpu_affinity", "rlimit_rttime", "process_name"].map((what) =>
    ignored<GlobalDraft>(`${process}_${what}`, "There is no separate process for it; VRRP has a thread of its own."),
  ),
);

const NETLINK_BUFFERS = [
  "vrrp_netlink_cmd",
  "vrrp_netlink_monitor",
  "lvs_netlink_cmd",
  "lvs_netlink_monitor",
  "process_monitor",
].flatMap((socket) =>
  [`${socket}_rcv_bufs`, `${socket}_rcv_bufs_force`].map((name) =>
    ignored<GlobalDraft>(name, "A netlink socket that overran is read anew; no message is lost for good."),
  ),
);

export const PROCESS_KEYWORDS: readonly Keyword<GlobalDraft>[] = [
  line({ name: "vrrp_priority", syntax: "<-20..19>", text: "Nice value of the VRRP thread." }, readNice),
  flag({ name: "vrrp_no_swap", text: "All memory is locked." }, (draft) => {
    draft.noSwap = true;
  }),
  line(
    { name: "vrrp_rt_priority", syntax: "<1..99>", text: "Real-time scheduling (SCHED_RR) of the VRRP thread." },
    readRealtimePriority,
  ),
  line(
    { name: "vrrp_cpu_affinity", syntax: "<INTEGER> …", text: "Processors that the VRRP thread may use." },
    readCpuAffinity,
  ),
  integer(
    {
      name: "vrrp_rlimit_rttime",
      min: 1,
      max: UNSIGNED_MAX,
      text: "Microseconds of real-time processing between two waits.",
      invalid: (value) => `Invalid vrrp real-time limit - ${value}`,
    },
    (draft, value) => {
      draft.rlimitRttimeUs = value;
    },
  ),
  line(
    {
      name: "max_auto_priority",
      syntax: "[<-1..99>]",
      text: "How far a thread that was delayed may raise its own priority; -1 and 0: not at all.",
    },
    readMaxAutoPriority,
  ),
  integer(
    {
      name: "min_auto_priority_delay",
      min: 1,
      max: 10_000_000,
      text: "Delay in microseconds from which on it does; default 1000000.",
      invalid: (value) => `Invalid min_auto_priority_delay '${value}' specified`,
    },
    (draft, value) => {
      draft.minAutoPriorityDelayUs = value;
    },
  ),
  line(
    {
      name: "umask",
      syntax: "<NUMBER>|<BITS>",
      text: "Mode bits that files do not get; by default others than the owner may not write.",
    },
    readUmask,
  ),
  line(
    { name: "process_names", syntax: "", text: "keepalived's names for the process and the VRRP thread." },
    (draft) => {
      draft.processName ??= "keepalived";
      draft.vrrpProcessName ??= "keepalived_vrrp";
    },
  ),
  text({ name: "process_name", syntax: "<NAME>", text: "The name that ps -e and top show." }, (draft, value) => {
    draft.processName = value;
  }),
  text({ name: "vrrp_process_name", syntax: "<NAME>", text: "The same of the VRRP thread." }, (draft, value) => {
    draft.vrrpProcessName = value;
  }),
  ...OTHER_PROCESSES,
  ...NETLINK_BUFFERS,
];
