// `show stat [{<iid>|<proxy>} <type> <sid>] [typed|json|no-maint|up]*`: the counters of every proxy and server.
//
// <type> adds up 1 (frontends), 2 (backends) and 4 (servers); -1 stands for everything, in <iid> and <sid> as well.

import { ROW_KIND, type RowKind } from "../../stats/columns.ts";
import type { StatFilter } from "../../stats/stat-rows.ts";
import { csvText, jsonText, typedText } from "../../stats/stat-writers.ts";
import { type Command, failure, type RuntimeContext } from "./command.ts";

const RESOLVER_HEADER =
  "# id,pid,sent,send_error,valid,update,cname,cname_error,any_err,nx,timeout,refused,other,invalid,too_big,truncated,outdated,";

export const showStat: Command = {
  words: ["show", "stat"],
  usage: "show stat [desc|json|no-maint|typed|up]*",
  description: "report counters for each proxy and server",
  level: "user",
  run({ args: given }, context) {
    let args = given;
    if (args[0] === "domain") {
      // Resolvers have columns of their own (`show resolvers` tells the same).
      if (args[1] === "resolvers") return { text: `${RESOLVER_HEADER}\n` };
      if (args[1] !== "proxy") return failure("Invalid statistics domain.\n");
      args = args.slice(2);
    }
    let wants: StatFilter["wants"];
    if (args.length >= 3) {
      const filter = rowFilter(args[0], Number.parseInt(args[1], 10), Number.parseInt(args[2], 10), context);
      if (filter === null) return failure("No such proxy.\n");
      wants = filter;
    }
    const hide = args.includes("up") ? "down" : args.includes("no-maint") ? "maintenance" : undefined;
    const rows = context.statistics.rows({ ...(wants ? { wants } : {}), ...(hide ? { hide } : {}) });
    if (args.includes("json")) return { text: jsonText(rows) };
    return { text: args.includes("typed") ? typedText(rows, args.includes("desc")) : csvText(rows) };
  },
};

/** null: there is no proxy of that name. An id that nobody has selects nothing. */
function rowFilter(proxy: string, types: number, sid: number, context: RuntimeContext): StatFilter["wants"] | null {
  const named = context.control.plan.proxies.find(({ name }) => name === proxy);
  if (named === undefined && !/^-?\d+$/.test(proxy)) return null;
  const iid = named?.id ?? Number(proxy);
  return (kind: RowKind, candidate, server) => {
    if (iid !== -1 && candidate.id !== iid) return false;
    if ((types & (1 << ROW_KIND[kind].type)) === 0) return false;
    return sid === -1 || (server?.id ?? 0) === sid;
  };
}
