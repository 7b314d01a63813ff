// Users and groups of this machine, by name. Only /etc/passwd and /etc/group are asked: neither Node nor a privileged start needs more,
// and what a directory service (LDAP, SSSD) knows can be given as a number with `uid` and `gid`.

import { readFileSync } from "node:fs";

/** The numeric id of a user, null when /etc/passwd has none of that name. */
export function userId(name: string): number | null {
  return lookUp("/etc/passwd", name);
}

/** The numeric id of a group, null when /etc/group has none of that name. */
export function groupId(name: string): number | null {
  return lookUp("/etc/group", name);
}

/** Both files have the name first and the id third. */
function lookUp(file: string, name: string): number | null {
  let content: string;
  try {
    content = readFileSync(file, "latin1");
  } catch {
    return null;
  }
  for (const line of content.split("\n")) {
    const [entry, , id] = line.split(":");
    if (entry === name && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  return null;
}
