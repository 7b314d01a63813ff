// SMTP_CHECK, MISC_CHECK, PING_CHECK, FILE_CHECK.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import type { TrackFilePlan } from "../plan/track.ts";
import type { CheckPlan, CheckTarget } from "../plan/virtual-server.ts";
import { type Attempt, connectionTo, onConnection } from "./attempt.ts";

const KILL_AFTER_MS = 2000;
const LINE_BYTES_MAX = 4096;
/** misc_dynamic: an exit status of 2 … 255 is a weight, two less. */
const WEIGHT_STATUS_MIN = 2;

/** SMTP_CHECK: a greeting, HELO, QUIT, at every host. */
export function smtpAttempt(check: Extract<CheckPlan, { kind: "smtp" }>): Attempt {
  return (done) => {
    let cancel = () => {};
    const next = (at: number): void => {
      const target = check.targets[at];
      if (target === undefined) done({ failure: null });
      else {
        cancel = smtpHost(
          target,
          check.heloName,
        )((result) => {
          if (result.failure === null) next(at + 1);
          else done(result);
        });
      }
    };
    next(0);
    return () => cancel();
  };
}

function smtpHost(target: CheckTarget, heloName: string): Attempt {
  const steps = [
    { wants: "220", says: `HELO ${heloName}\r\n` },
    { wants: "250", says: "QUIT\r\n" },
    { wants: "221", says: "" },
  ];
  return onConnection(
    () => createConnection(connectionTo(target)),
    (socket, finish) => {
      let [text, step] = ["", 0];
      socket.on("data", (bytes) => {
        text += bytes.toString("latin1");
        if (text.length > LINE_BYTES_MAX) finish("an answer without end");
        // `250-` goes on in the next line.
        const line = /^(?:\d{3}-.*\r?\n)*(\d{3}) .*\r?\n/.exec(text);
        if (line === null) return;
        text = text.slice(line[0].length);
        const { wants, says } = steps[step]!;
        if (line[1] !== wants) finish(`status ${line[1]} instead of ${wants}`);
        else if (says === "") finish(null);
        else {
          step++;
          socket.write(says);
        }
      });
    },
  );
}

/** MISC_CHECK: exit status 0 is good, with misc_dynamic 2 … 255 as well. */
export function miscAttempt(check: Extract<CheckPlan, { kind: "misc" }>): Attempt {
  const { script, timeoutMs, dynamicWeight } = check;
  return (done) => {
    if (!script.enabled) {
      done({ failure: "it must not be run" });
      return () => {};
    }
    const [program, ...parameters] = script.argv;
    const child = spawn(program!, parameters, { uid: script.uid, gid: script.gid, stdio: "ignore", detached: true });
    let isOver = false;
    const timers: NodeJS.Timeout[] = [];
    const signal = (name: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // The whole group is gone.
      }
    };
    const finish = (failure: string | null, weight?: number) => {
      if (isOver) return;
      isOver = true;
      done(weight === undefined ? { failure } : { failure, weight });
    };
    timers.push(
      setTimeout(() => {
        signal("SIGTERM");
        timers.push(setTimeout(() => signal("SIGKILL"), KILL_AFTER_MS));
        finish(`no result within ${timeoutMs} ms`);
      }, timeoutMs),
    );
    child.on("error", (error) => finish(error.message));
    child.on("exit", (code, name) => {
      for (const timer of timers) clearTimeout(timer);
      if (code === 0) finish(null);
      else if (dynamicWeight && code !== null && code >= WEIGHT_STATUS_MIN) finish(null, code - WEIGHT_STATUS_MIN);
      else finish(name === null ? `status ${code}` : `signal ${name}`);
    });
    return () => {
      isOver = true;
      for (const timer of timers) clearTimeout(timer);
      signal("SIGKILL");
    };
  };
}

/** PING_CHECK, through ping(8): it may open the socket that this needs whoever runs it. */
export function pingAttempt(target: CheckTarget, timeoutMs: number): Attempt {
  const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1000)));
  const source = target.bindAddress === null ? [] : ["-I", target.bindAddress.text];
  return (done) => {
    let isOver = false;
    const child = spawn("ping", ["-n", "-q", "-c", "1", "-W", seconds, ...source, target.address.text], {
      stdio: "ignore",
    });
    const finish = (failure: string | null) => {
      if (isOver) return;
      isOver = true;
      done({ failure });
    };
    child.on("error", (error) => finish(error.message));
    child.on("exit", (code) => finish(code === 0 ? null : "no echo"));
    return () => {
      isOver = true;
      child.kill("SIGKILL");
    };
  };
}

/**
 * FILE_CHECK: the number in a track_file, times the weight. With a weight it is added to the server's (`dynamicWeight`), without one a
 * number other than 0 is a failure.
 */
export function fileAttempt(
  check: Extract<CheckPlan, { kind: "file" }>,
  file: TrackFilePlan,
  baseWeight: number,
): Attempt {
  return (done) => {
    let value = 0;
    try {
      value = Number.parseInt(readFileSync(file.path, "latin1"), 10) || 0;
    } catch {
      // A missing file is 0.
    }
    if (check.weight === 0) done({ failure: (value !== 0) === check.reverse ? null : `the file says ${value}` });
    else {
      const sum = baseWeight + value * check.weight * (check.reverse ? -1 : 1);
      done(
        sum <= -253
          ? { failure: `the weight comes to ${sum}` }
          : { failure: null, weight: Math.max(0, Math.min(65535, sum)) },
      );
    }
    return () => {};
  };
}
