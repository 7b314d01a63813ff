// Parameters of `server` and `default-server` lines, section 5.2. Each parser gets the statement and the index of the parameter's word;
// it answers with what is wrong in HAProxy's words, null when nothing is.

import { parseNetwork } from "../../../shared/ip/text.ts";
import { parseTime } from "../arguments.ts";
import type { ConfigurationDraft } from "../draft.ts";
import type { ServerOptions } from "../server-draft.ts";
import type { Statement } from "../statement.ts";
import { literalAddress, timeProblem, warnOfTrailing } from "../values.ts";

export type ServerParser = (
  statement: Statement,
  at: number,
  options: ServerOptions,
  configuration: ConfigurationDraft,
) => string | null;

/** A switch; `no-x` takes `x` back. */
export function flag(name: string, value = true): ServerParser {
  return (_statement, _at, options) => {
    options.flags.set(name, value);
    return null;
  };
}

/** One word, kept as it is. */
export const text: ServerParser = (statement, at, options) => {
  const keyword = statement.text(at);
  const value = statement.text(at + 1);
  if (value === "") return `'${keyword}' expects <value> as argument.`;
  options.texts.set(keyword, value);
  return null;
};

/** `resolve-net`: networks whose addresses are taken first. */
export const resolveNet: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  if (value === "") return "'resolve-net' expects a list of networks.";
  const wrong = value.split(",").find((network) => parseNetwork(network) === null);
  if (wrong !== undefined) return `'resolve-net' invalid network '${wrong}'.`;
  options.texts.set("resolve-net", value);
  return null;
};

const RESOLVE_OPTIONS = ["allow-dup-ip", "ignore-weight", "prevent-dup-ip"];

export const resolveOptions: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  const wrong = value.split(",").find((option) => !RESOLVE_OPTIONS.includes(option));
  if (wrong !== undefined)
    return `'resolve-opts' unknown option '${wrong}', expects 'allow-dup-ip', 'ignore-weight' or 'prevent-dup-ip'.`;
  options.texts.set("resolve-opts", value);
  return null;
};

/** `track`; whom it names is looked for when all servers are known (check/track.ts). */
export const trackServer: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  if (value === "") return "'track' expects [<proxy>/]<server> as argument.";
  options.texts.set("track", value);
  return null;
};

/** One of some words. @param complaint says what was expected */
export function oneOf(words: readonly string[], complaint: (got: string) => string): ServerParser {
  return (statement, at, options) => {
    const value = statement.text(at + 1);
    if (!words.includes(value)) return complaint(value);
    options.texts.set(statement.text(at), value);
    return null;
  };
}

/** `observe`; that layer 7 wants mode http is checked when the proxy is complete (check/server.ts). */
export const observe: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  if (value === "") return "'observe' expects <mode> as argument.";
  if (!["none", "layer4", "layer7"].includes(value))
    return `'observe' expects one of 'none', 'layer4', 'layer7' but got '${value}'`;
  options.texts.set("observe", value);
  return null;
};

/** A count. HAProxy reads some of these with atol (what is no number is 0, without a word); here no number is an error. */
export function count(min: number, tooSmall: (keyword: string) => string): ServerParser {
  return (statement, at, options) => {
    const keyword = statement.text(at);
    const value = statement.text(at + 1);
    if (value === "") return `'${keyword}' expects an integer argument.`;
    const isNumber = /^-?\d+$/.test(value);
    if (!isNumber && min <= 0) return `'${keyword}' : '${value}' is not an integer`;
    if (!isNumber || Number(value) < min) return tooSmall(keyword);
    options.numbers.set(keyword, Number(value));
    return null;
  };
}

/** What places a server on the circle of `hash-type consistent`. */
export const hashKey: ServerParser = oneOf(
  ["id", "addr", "addr-port"],
  () => "'hash-key' has to be 'id', 'addr', or 'addr-port'",
);

export const weight: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  if (value === "") return "'weight' expects an integer argument.";
  const weightMax = 256;
  if (!/^\d+$/.test(value) || Number(value) > weightMax) {
    return `weight of server ${serverName(statement)} is not within 0 and ${weightMax} (${value}).`;
  }
  options.numbers.set("weight", Number(value));
  return null;
};

/** `inter`, `fastinter`, `downinter`, `slowstart`, `tcp-ut`: a delay; one unit is a millisecond. */
export function delay(word: string, zeroAllowed: boolean): ServerParser {
  return (statement, at, options) => {
    const keyword = statement.text(at);
    const value = statement.text(at + 1);
    if (value === "") return `'${keyword}' expects a ${word} as argument.`;
    const parsed = parseTime(value, "ms");
    if (!parsed.ok) {
      if (parsed.problem.kind !== "character") return timeProblem(parsed.problem, value, keyword);
      return `unexpected character '${parsed.problem.character}' in '${keyword}' argument of server ${serverName(statement)}.`;
    }
    warnOfTrailing(statement, at + 1, parsed.value.trailing);
    if (parsed.value.value === 0 && !zeroAllowed) {
      return `invalid value ${value} for argument '${keyword}' of server ${serverName(statement)}.`;
    }
    options.numbers.set(keyword, parsed.value.value);
    return null;
  };
}

export const purgeDelay: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  const parsed = parseTime(value, "ms");
  if (value === "") return "'pool-purge-delay' expects <value> as argument";
  if (!parsed.ok) {
    const { character } = parsed.problem;
    return character === ""
      ? timeProblem(parsed.problem, value, "pool-purge-delay")
      : `unexpected character '${character}' in argument to <pool-purge-delay>.`;
  }
  options.numbers.set("pool-purge-delay", parsed.value.value);
  return null;
};

export const port: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  const portMax = 65535;
  if (!/^\d+$/.test(value) || Number(value) > portMax) return `'port' : invalid port '${value}'`;
  options.numbers.set("port", Number(value));
  return null;
};

/** `addr <ip>`: where checks go instead of the server's address. */
export const checkAddress: ServerParser = (statement, at, options, configuration) => {
  const text = statement.text(at + 1);
  const parsed = literalAddress(text, configuration);
  if (!parsed.ok) return `'addr' : ${parsed.problem.message}`;
  if (parsed.value.address === null) return `'addr' : invalid address: '${parsed.value.host}' in '${text}'`;
  options.checkAddress = parsed.value.address;
  return null;
};

/** What is no port leaves the agent without one; check/server.ts complains then. */
export const agentPort: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  if (value === "") return "'agent-port' expects a port number as argument.";
  options.numbers.set("agent-port", /^\d+$/.test(value) && Number(value) <= 65_535 ? Number(value) : 0);
  return null;
};

export const agentAddress: ServerParser = (statement, at, options, configuration) => {
  const text = statement.text(at + 1);
  const parsed = literalAddress(text, configuration);
  const address = parsed.ok ? parsed.value.address : null;
  if (address === null || !("host" in address))
    return `parsing agent-addr failed. Check if '${text}' is correct address..`;
  options.texts.set("agent-addr", address.host);
  return null;
};

const INIT_ADDRESS_METHODS = new Set(["last", "libc", "none"]);

export const initAddr: ServerParser = (statement, at, options, configuration) => {
  const value = statement.text(at + 1);
  for (const method of value.split(",")) {
    const literal = literalAddress(method, configuration);
    if (INIT_ADDRESS_METHODS.has(method) || (literal.ok && literal.value.address !== null)) continue;
    return `'init-addr' : unknown init-addr method '${method}', supported methods are 'libc', 'last', 'none'.`;
  }
  options.texts.set("init-addr", value);
  return null;
};

/** `id`: HAProxy's number for the server inside its backend. */
export const id: ServerParser = (statement, at, options) => {
  const value = statement.text(at + 1);
  if (value === "") return "'id' : expects an integer argument";
  if (!/^\d+$/.test(value) || Number(value) <= 0) return "'id' : custom id has to be > 0";
  options.numbers.set("id", Number(value));
  return null;
};

/** Messages of the parameters name the server they belong to. */
function serverName(statement: Statement): string {
  return statement.text(0) === "server" ? statement.text(1) : "default-server";
}
