// The public key that `jwt_verify(alg,key)` names: read with the configuration, and put behind the arguments of the plan.

import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { jwtKeyNeed } from "../../sample/convert/jwt.ts";
import { isVariable } from "../../sample/convert/variable-operand.ts";

/** Adds the key as PEM to `values` (`[alg, key]`) where it is a file. Gives what is wrong, null: nothing. */
export function loadJwtKey(values: (string | number)[]): string | null {
  const [algorithm, path] = values.map(String) as [string, string];
  const need = jwtKeyNeed(algorithm);
  if (need === "secret" || need === "none" || isVariable(path)) return null;
  const key = readKey(path);
  if (key !== null) values.push(key.export({ type: "spki", format: "pem" }).toString());
  // An algorithm from a variable may be one that takes a secret: then the text is that.
  return key !== null || need === null ? null : `failed to load public key '${path}'`;
}

function readKey(path: string): KeyObject | null {
  try {
    if (!statSync(path).isFile()) return null;
    const pem = readFileSync(path, "latin1");
    return /-----BEGIN (RSA )?PUBLIC KEY-----|-----BEGIN CERTIFICATE-----/.test(pem) ? createPublicKey(pem) : null;
  } catch {
    return null;
  }
}
