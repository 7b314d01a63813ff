// `load-server-state-from-file` and `server-state-file-name` (4.2); the files are read by server-state-files.ts.

import type { ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";

const SOURCES = ["global", "local", "none"];

export function stateFile(statement: Statement, proxy: ProxyDraft): void {
  const source = statement.text(1);
  if (SOURCES.includes(source)) {
    proxy.texts.set("load-server-state-from-file", source);
    return;
  }
  const got = source === "" ? "no argument" : `'${source}'`;
  const message = `'load-server-state-from-file' expects 'global', 'local' or 'none'. Got ${got}`;
  statement.alert("bad-argument", message, { at: 1, expected: "global, local or none" });
}

/** Without an argument: the backend's name. */
export function stateFileName(statement: Statement, proxy: ProxyDraft): void {
  proxy.texts.set("server-state-file-name", statement.text(1));
}
