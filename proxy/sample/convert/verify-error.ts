// The converter x509_v_err_str: the name of what is wrong with a certificate (`ssl_c_verify`, `ssl_c_err`). configuration.txt 7.3.1.

import { verifyErrorName } from "../../tls/verify-errors.ts";
import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import type { ConverterCompiler } from "./converter.ts";
import { setCopy } from "./result.ts";

/** By name, see converters.table.ts. */
export const VERIFY_ERROR_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  x509_v_err_str: () => (value) => setCopy(value, textBytes(verifyErrorName(value.int) ?? String(value.int)), TYPE.str),
};
