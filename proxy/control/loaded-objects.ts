// -dL: the files that this process has mapped as programs or shared libraries, one per line, for whoever packs a core dump.

import { readFileSync } from "node:fs";

export function loadedObjects(): string {
  const objects = new Set<string>();
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    // 7f..-7f.. r-xp 00026000 fe:00 1234   /usr/lib/x86_64-linux-gnu/libc.so.6
    const [, flags, path] = /^\S+ (\S+) \S+ \S+ \S+\s+(\/.*)$/.exec(line) ?? [];
    if (flags?.includes("x") === true) objects.add(path!);
  }
  return `${[...objects].join("\n")}\n`;
}
