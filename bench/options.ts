// The command line: `node dist/bench/main.js [flags]`.

import { parseArgs } from "node:util";
import { SCENARIOS } from "./scenarios.ts";

export interface Options {
  /** Names of scenarios, in the order of the table. */
  readonly scenarios: readonly string[];
  /** Seconds of load per round. */
  readonly seconds: number;
  readonly rounds: number;
  /** Seconds of load before the first round, which are thrown away. */
  readonly warmUpSeconds: number;
  /** Instead of a time, so many requests per round (with autocannon): for a quick look whether everything works. */
  readonly requests: number | null;
  /** Only these contestants, by the beginning of their names; empty: all. */
  readonly only: readonly string[];
  /** Further HAProxy programs beside the one in PATH. */
  readonly haproxy: readonly string[];
  /** `name=command` of further proxies. */
  readonly contestants: readonly string[];
  /** Where the JSON goes; null: bench/results/TIME.json. */
  readonly output: string | null;
  /** Only say what the flags are. */
  readonly help: boolean;
}

export const USAGE = `node dist/bench/main.js [flags]
  --scenario NAME     one of ${SCENARIOS.map(({ name }) => name).join(", ")}; may be repeated, default: all
  --seconds N         load per round (2)
  --rounds N          rounds per proxy; some scenarios take more or fewer in proportion (3)
  --warm-up N         seconds of load that are thrown away first (1)
  --requests N        rounds of N requests instead of a time, by autocannon
  --only NAME         only proxies whose name begins so; may be repeated
  --haproxy PROGRAM   another HAProxy to compare with; may be repeated
  --contestant NAME=COMMAND   another proxy; {port} and {originPort} are replaced; may be repeated
  --help              these lines
  --output FILE       where the results go as JSON (bench/results/TIME.json)
`;

/** @throws Error with a sentence for whoever typed the flags */
export function readOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ scenario: list, only: list, haproxy: list, contestant: list, output: text },
      ...{ seconds: text, rounds: text, "warm-up": text, requests: text, help: { type: "boolean" } },
    },
  });
  const known = SCENARIOS.map(({ name }) => name);
  for (const name of values.scenario ?? []) {
    if (!known.includes(name)) throw new Error(`--scenario ${name}: there are ${known.join(", ")}`);
  }
  return {
    scenarios: known.filter((name) => values.scenario?.includes(name) ?? true),
    seconds: positive("seconds", values.seconds ?? "2"),
    rounds: positive("rounds", values.rounds ?? "3"),
    warmUpSeconds: Number(values["warm-up"] ?? "1"),
    requests: values.requests === undefined ? null : positive("requests", values.requests),
    only: values.only ?? [],
    haproxy: values.haproxy ?? [],
    contestants: values.contestant ?? [],
    output: values.output ?? null,
    help: values.help ?? false,
  };
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${flag} ${text}: expected a number above 0`);
  return value;
}
