// `set-src`, `set-dst` and their ports: an expression that gives the address or the port.

import { canCast } from "../../../sample/types.ts";
import type { ActionParser } from "../../keywords/action.ts";

type AddressAction = "set-src" | "set-dst" | "set-src-port" | "set-dst-port";

export function addressAction(kind: AddressAction): ActionParser {
  return (reader) => {
    const written = reader.word;
    const parsed = reader.nextSample();
    if (parsed === null) return null;
    const wanted = kind === "set-src" || kind === "set-dst" ? "addr" : "sint";
    if (canCast(parsed.type, wanted)) return { kind, sample: parsed.sample };
    const what = wanted === "addr" ? "address" : "number";
    const message = `'${written}' gives a value of type ${parsed.type}, which is never an ${what}: this rule changes nothing.`;
    reader.warning("never-sets", message.replace("an number", "a number"), { at: reader.at - 1 });
    return null;
  };
}
