// `capture-req(<id>)` and `capture-res(<id>)`: what passes through the chain is put into a declared slot and goes on.

import type { ConverterCompiler } from "./converter.ts";

function capture(isResponse: boolean): ConverterCompiler {
  return ({ captures }, [id]) => {
    const index = Number(id);
    return (value, stream) => {
      captures.store(stream, isResponse, index, value.bytes, value.start, value.end);
      return true;
    };
  };
}

/** By name, see converters.table.ts. */
export const CAPTURE_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  "capture-req": capture(false),
  "capture-res": capture(true),
};
