// Becoming who the configuration says: chroot, then groups, group and user, in that order, because each step takes away the right to
// do the one before. By then everything that needs a file, a privileged port or a name service is done (boot.ts keeps the order).
//
// The calls apply to every thread of the process: the C library hands set*id on to all of them, and the root directory is shared.

import { chdir } from "node:process";
import { chroot, PR_SET_DUMPABLE, prctl } from "../../shared/ffi/process.ts";
import type { GlobalPlan } from "../plan/plan.ts";

export interface IdentityProblem {
  /** An alert ends the start. */
  readonly loudness: "alert" | "warning";
  readonly text: string;
}

/** @returns what went wrong, in HAProxy's words; an alert comes last and means that the process is not what it was told to be. */
export function takeIdentity(global: GlobalPlan): IdentityProblem[] {
  const problems: IdentityProblem[] = [];
  const fail = (text: string): IdentityProblem[] => [
    ...problems,
    { loudness: "alert", text: `[ringway.main()] ${text}` },
  ];

  // HAProxy asks the system in this moment, not the configuration: without privileges to give up there is nothing to drop.
  if (global.chroot !== null) {
    if (chroot(global.chroot) < 0) return fail(`Cannot chroot(${global.chroot}).`);
    chdir("/");
  }
  if (global.gid !== null) {
    if (!attempt(() => process.setgroups!([]))) {
      const text =
        "[ringway.main()] Failed to drop supplementary groups. Using 'gid'/'group' without 'uid'/'user' is generally useless.";
      problems.push({ loudness: "warning", text });
    }
    const gid = global.gid;
    if (!attempt(() => process.setgid!(gid))) return fail(`Cannot set gid ${gid}.`);
  }
  if (global.uid !== null) {
    const uid = global.uid;
    if (!attempt(() => process.setuid!(uid))) return fail(`Cannot set uid ${uid}.`);
  }
  // A change of user makes the kernel forbid core dumps; `set-dumpable` allows them again.
  if (global.flags["set-dumpable"] === true && prctl(PR_SET_DUMPABLE, 1) < 0) {
    problems.push({
      loudness: "warning",
      text: "[ringway.main()] Failed to set the dumpable flag, no core will be dumped.",
    });
  }
  return problems;
}

/** Node throws what these system calls return; here it is an answer. */
function attempt(change: () => void): boolean {
  try {
    change();
    return true;
  } catch {
    return false;
  }
}
