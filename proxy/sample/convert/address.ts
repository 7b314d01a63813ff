// Converter of addresses: ipmask. configuration.txt 7.3.1.

import { mappedToIpv4 } from "../cast.ts";
import { TYPE } from "../types.ts";
import { textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";
import { parseMask } from "./mask.ts";

const IPV4 = TYPE.ipv4;

/** An IPv6 address that holds an IPv4 one becomes that first; other IPv6 ones are not found when no mask for them was given. */
const ipmask: ConverterCompiler = (_, args) => {
  const mask4 = parseMask(textArgument(args, 0), 4);
  const mask6 = parseMask(textArgument(args, 1), 16);
  return (value) => {
    const mask = value.type === IPV4 || mappedToIpv4(value) ? mask4 : mask6;
    if (mask === null) return false;
    const address = value.address;
    for (let i = 0; i < mask.length; i++) address[i] = address[i]! & mask[i]!;
    return true;
  };
};

/** By name, see converters.table.ts. */
export const ADDRESS_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = { ipmask };
