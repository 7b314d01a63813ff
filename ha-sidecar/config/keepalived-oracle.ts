// Runs keepalived itself on configurations, in a network namespace with the interfaces of the fixtures. For tests only.
//
// Which keepalived: $KEEPALIVED, otherwise `keepalived` of the system. A namespace takes privileges; without them nothing can be compared.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFIG_ID, FILE_NAME } from "./fixture.ts";

const KEEPALIVED = process.env.KEEPALIVED ?? "keepalived";

/** keepalived reads a configuration once per process, and the parent's messages have no file name. */
export interface Said {
  readonly line: number | null;
  readonly message: string;
  readonly byParent: boolean;
}

export interface Verdict {
  /** Exit status, or null: it crashed. */
  readonly status: number | null;
  readonly said: readonly Said[];
}

/** keepalived's version, or null: it does not run. */
export function keepalivedVersion(): string | null {
  const result = spawnSync(KEEPALIVED, ["-v"], { encoding: "latin1" });
  return /Keepalived v([0-9.]+)/.exec(`${result.stderr ?? ""}${result.stdout ?? ""}`)?.[1] ?? null;
}

/** Why no namespace can be made, or null: it can. */
export function namespaceProblem(): string | null {
  if (process.getuid?.() !== 0) return "not root";
  const result = spawnSync("unshare", ["-n", "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1"], {
    encoding: "latin1",
  });
  return result.status === 0 ? null : `no network namespace (${(result.stderr ?? String(result.error)).trim()})`;
}

const SETUP =
  "ip link set lo up; ip link add eth0 type veth peer name eth1; ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up; ip link set eth1 up";

/** What `keepalived -t` says of each configuration. All run in one namespace, a few at a time. */
export function judge(texts: readonly string[]): Verdict[] {
  const folder = mkdtempSync(join(tmpdir(), "ringway-oracle-"));
  try {
    for (const [index, text] of texts.entries()) writeFileSync(join(folder, `${index}.conf`), text, "latin1");
    const one = `timeout 10 ${KEEPALIVED} -t -i ${CONFIG_ID} -f $0 >$0.said 2>&1; echo $? >$0.status`;
    const script = `${SETUP}; cd ${folder}; ls | grep conf$ | xargs -P 4 -n 1 sh -c '${one}'`;
    spawnSync("unshare", ["-n", "sh", "-c", script], { encoding: "latin1", timeout: 300_000 });
    return texts.map((_, index) => readVerdict(join(folder, `${index}.conf`), `${index}.conf`));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readVerdict(path: string, name: string): Verdict {
  const status = Number(readFileSync(`${path}.status`, "latin1"));
  const lines = readFileSync(`${path}.said`, "latin1")
    .split("\n")
    .filter((line) => line !== "");
  const said = lines.map((line): Said => {
    const match = /^\((?:([^()]*): )?Line (\d+)\) (.*)$/.exec(line);
    if (match === null) return { line: null, message: line.replaceAll(name, FILE_NAME), byParent: false };
    return { line: Number(match[2]), message: match[3]!.replaceAll(name, FILE_NAME), byParent: match[1] === undefined };
  });
  // 128 and more: a signal, as a rule its own fault (it crashes on open quotes) or a killed script user.
  return { status: status < 124 ? status : null, said };
}
