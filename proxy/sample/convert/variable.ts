// `set-var(<name>[,<condition>…])` and `unset-var(<name>)`: what passes through the chain is put into a variable, or a variable is taken
// away, and goes on unchanged.

import { conditionsOf } from "../../variables/variables.ts";
import type { ConverterCompiler } from "./converter.ts";

/** False where the conditions do not hold, as in HAProxy: the chain then gives nothing. */
const setVar: ConverterCompiler = ({ variables }, [name, ...conditions]) => {
  const found = variables.find(String(name));
  const bits = conditionsOf(conditions.map(String));
  return (value, stream) => variables.set(found, stream, value, bits);
};

const unsetVar: ConverterCompiler = ({ variables }, [name]) => {
  const found = variables.find(String(name));
  return (_value, stream) => {
    variables.unset(found, stream);
    return true;
  };
};

/** By name, see converters.table.ts. */
export const VARIABLE_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  "set-var": setVar,
  "unset-var": unsetVar,
};
