// `guid`: a name that an object keeps whatever else changes; statistics files speak of objects by it. Unique over all kinds of objects.

import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";

const LENGTH_MAX = 127;

/** null: it is one. */
function problemOf(text: string): string | null {
  if (text === "") return "expects an argument";
  const wrong = /[^A-Za-z0-9.:_-]/.exec(text);
  if (wrong !== null) return `invalid character '${wrong[0]}'`;
  return text.length > LENGTH_MAX ? `should not be longer than ${LENGTH_MAX} characters` : null;
}

/** `guid <string>` of a proxy. */
export function guid(statement: Statement, proxy: ProxyDraft): void {
  const text = statement.text(1);
  const problem = problemOf(text);
  if (problem === null) proxy.texts.set("guid", text);
  else statement.alert("bad-guid", `'guid'${text === "" ? " : " : ": "}${problem}`, { at: 1 });
}

/** `guid-prefix <string>` of a bind line. @returns what is wrong */
export function guidPrefixProblem(text: string): string | null {
  const problem = problemOf(text);
  return problem === null ? null : `'guid-prefix' : ${problem}`;
}

/** No two objects have the same. */
export function checkGuids(configuration: ConfigurationDraft): void {
  const owners = new Map<string, string>();
  const claim = (name: string | undefined, owner: string, statement: Statement): void => {
    if (name === undefined) return;
    const former = owners.get(name);
    if (former === undefined) owners.set(name, owner);
    else statement.alert("duplicate-guid", `'guid': duplicate entry with ${former}`);
  };
  for (const proxy of configuration.proxies) {
    claim(proxy.texts.get("guid"), `${proxy.kind} ${proxy.name}`, proxy.statement);
    for (const server of proxy.servers) {
      claim(server.options.texts.get("guid"), `server ${proxy.name}/${server.name}`, server.statement);
    }
  }
}
