// `show ha`, ours: how the HA sidecar (ringway-ha) of this machine stands; and `set ha state`, over which the sidecar says it.

import { parseHaReport } from "../ha/ha-reports.ts";
import { type Command, failure, NOTHING } from "./command.ts";

const HEADER = "# instance state priority interface vrid since_s addresses reason";

export const showHa: Command = {
  words: ["show", "ha"],
  usage: "show ha [json]",
  description: "report the state of the HA sidecar: virtual addresses and who has them",
  level: "user",
  run({ args }, { ha }) {
    const current = ha.current(performance.now());
    if (args[0] === "json") return { text: `${JSON.stringify(current)}\n` };
    if (current === null) return { text: "No HA sidecar watches this process (track_proxy in keepalived.conf).\n" };
    const { report, ageMs, isStale } = current;
    const age = (ageMs / 1000).toFixed(1);
    const rows = report.instances.map((instance) => {
      const since = Math.floor((instance.stateForMs + ageMs) / 1000);
      const addresses = instance.addresses.join(",") || "-";
      return [
        instance.name,
        isStale ? `${instance.state}?` : instance.state,
        instance.priority,
        instance.interface || "-",
        instance.virtualRouterId,
        since,
        addresses,
        instance.reason.replaceAll(" ", "_") || "-",
      ].join(" ");
    });
    const head = isStale
      ? `Sidecar: ${report.routerId}, silent for ${age} s: what follows is what it said last`
      : `Sidecar: ${report.routerId}, heard ${age} s ago, takes this proxy for ${report.proxy}`;
    return { text: `${[head, HEADER, ...rows].join("\n")}\n` };
  },
};

export const setHaState: Command = {
  words: ["set", "ha", "state"],
  usage: null,
  description: "the HA sidecar's report, base64url of JSON",
  level: "operator",
  run({ args }, { ha }) {
    const report = parseHaReport(args[0] ?? "");
    if (report === null) return failure("This is no report of a sidecar.\n");
    ha.take(report, performance.now());
    return NOTHING;
  },
};
