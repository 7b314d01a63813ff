// `crt-store [name]`: certificates under names of their own, their files wherever they lie (configuration.txt 12.7).

import type { ConfigurationDraft } from "../draft.ts";
import type { ConfigLine } from "../line.ts";
import { Statement } from "../statement.ts";

export interface CrtStoreSection {
  readonly name: string;
  crtBase: string;
  keyBase: string;
}

const KEYWORDS = ["crt-base", "key-base", "load"];
const PARAMETERS = ["crt", "key", "ocsp", "issuer", "alias", "sctl", "ocsp-update", "jwt", "acme", "domains"];

export function openCrtStore(statement: Statement, { global }: ConfigurationDraft): CrtStoreSection {
  const crtBase = global.texts.get("crt-base") ?? "";
  return { name: statement.text(1), crtBase, keyBase: global.texts.get("key-base") ?? crtBase };
}

export function crtStoreLine(line: ConfigLine, section: CrtStoreSection, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  const keyword = statement.text(0);
  if (keyword === "crt-base" || keyword === "key-base") {
    if (!statement.has(1))
      statement.alert("missing-argument", `'${keyword}' expects a directory as an argument.`, { at: 1 });
    else if (keyword === "crt-base") section.crtBase = section.keyBase = statement.text(1);
    else section.keyBase = statement.text(1);
  } else if (keyword === "load") load(statement, section, configuration);
  else {
    const message = `unknown keyword '${keyword}' in 'crt-store' section`;
    statement.alert("unknown-keyword", message, { suggestions: KEYWORDS });
  }
}

function load(
  statement: Statement,
  { name, crtBase, keyBase }: CrtStoreSection,
  configuration: ConfigurationDraft,
): void {
  const given = new Map<string, string>();
  for (let at = 1; statement.has(at); at += 2) {
    const word = statement.text(at);
    if (!PARAMETERS.includes(word)) {
      const message = `unknown keyword '${word}' in '${name === "" ? "crt-store" : name}' section.`;
      statement.alert("unknown-keyword", message, { at, suggestions: PARAMETERS });
      return;
    }
    if (!statement.has(at + 1)) {
      statement.alert("missing-argument", `'load' : '${word}' expects an argument.`, { at });
      return;
    }
    if (word === "acme") {
      statement.alert("unserved", "'acme' is known to HAProxy but not served yet", { at });
      return;
    }
    given.set(word, statement.text(at + 1));
  }
  const crt = given.get("crt");
  if (crt === undefined) {
    statement.alert("missing-argument", "'load' : 'crt' is mandatory.", { at: 0 });
    return;
  }
  const below = (base: string, file: string): string =>
    file.startsWith("/") || base === "" ? file : `${base}/${file}`;
  const file = (parameter: string, base: string): string | null => {
    const path = given.get(parameter);
    return path === undefined ? null : below(base, path);
  };
  const alias = given.get("alias");
  const called = alias === undefined ? null : `@${name}/${alias}`;
  const certificate = below(crtBase, crt);
  const loaded = configuration.tlsStore.load(
    called ?? (name === "" ? certificate : `@${name}${crt.startsWith("/") ? "" : "/"}${crt}`),
    called,
    {
      certificate,
      key: file("key", keyBase),
      ocsp: file("ocsp", crtBase),
      issuer: file("issuer", crtBase),
    },
  );
  const update = given.get("ocsp-update");
  if (update !== undefined && update !== "on" && update !== "off") {
    statement.alert("bad-argument", `'load' : 'ocsp-update' expects <on|off>, not '${update}'.`, {
      at: statement.textsFrom(0).indexOf("ocsp-update") + 1,
    });
  } else if (update !== undefined && loaded.ok) {
    configuration.tlsStore.storeOcspUpdate(loaded.value.file, update === "on");
  }
  if (!loaded.ok) statement.alert("certificate", `'load' : ${loaded.problem}`, { at: 0 });
}
