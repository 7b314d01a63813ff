// Times and addresses as the sections' parsers use them: the language's parsers (arguments.ts, address.ts) tied to a statement, its
// diagnostics and the configuration being read.
//
// An address may be a host name. It becomes a slot that is filled when everything has been read (resolve.ts), because resolving takes
// time and all names can be asked for at once.

import {
  type AddressArgument,
  type AddressProblem,
  type AddressRules,
  BIND_RULES,
  LOG_RULES,
  PEER_RULES,
  parseAddress,
  SERVER_RULES,
  splitAddresses,
} from "./address.ts";
import { type ArgumentProblem, type Parsed, trailingTimeMessage } from "./arguments.ts";
import type { AddressSlot, ConfigurationDraft } from "./draft.ts";
import type { Fault, Statement } from "./statement.ts";

/** HAProxy's words for a bad time. */
export function timeProblem(problem: ArgumentProblem, text: string, keyword: string): string {
  if (problem.kind === "overflow") {
    return `timer overflow in argument '${text}' to '${keyword}' (maximum value is 2147483647 ms or ~24.8 days)`;
  }
  return `unexpected character '${problem.character}' in '${keyword}'`;
}

/** HAProxy reads `10sec` as 10s and says so. */
export function warnOfTrailing(statement: Statement, at: number, trailing: string): void {
  if (trailing === "") return;
  const message = trailingTimeMessage(statement.text(at), trailing);
  statement.warning("trailing-time", message, { at, introduction: "none" });
}

/** How a fault of an address is introduced: `'bind' : …`, and the details of the diagnostic. */
interface AddressWording extends Fault {
  readonly lead: string;
}

/** The address at word `at` as a slot; null after a report. */
function addressAt(
  statement: Statement,
  at: number,
  text: string,
  rules: AddressRules,
  configuration: ConfigurationDraft,
  wording: AddressWording,
): AddressSlot | null {
  const parsed = parseAddress(text, rules, configuration.environment);
  if (!parsed.ok) {
    reportAddress(statement, at, parsed.problem, wording);
    return null;
  }
  return slotFor(parsed.value, text, statement, at, configuration, wording);
}

/** A slot for an address; when it is a name, it is remembered among those to be resolved. */
function slotFor(
  argument: AddressArgument,
  written: string,
  statement: Statement,
  at: number,
  configuration: ConfigurationDraft,
  wording: AddressWording,
): AddressSlot {
  const slot: AddressSlot = { argument, written, address: argument.address };
  if (argument.host !== null) {
    const message = `${wording.lead}invalid address: '${argument.host}' in '${written}'`;
    configuration.names.push({ slot, report: () => statement.alert("unresolved", message, { ...wording, at }) });
  }
  return slot;
}

function reportAddress(statement: Statement, at: number, problem: AddressProblem, wording: AddressWording): void {
  const { lead, ...fault } = wording;
  statement.alert(problem.code, `${lead}${problem.message}`, {
    ...fault,
    at,
    ...(problem.expected === undefined ? {} : { expected: problem.expected }),
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
  });
}

/** The comma-separated addresses of a bind line; null after a report. */
export function bindAddresses(
  statement: Statement,
  at: number,
  configuration: ConfigurationDraft,
): AddressSlot[] | null {
  const slots = splitAddresses(statement.text(at)).map((part) =>
    addressAt(statement, at, part, BIND_RULES, configuration, { lead: "'bind' : " }),
  );
  return slots.every((slot) => slot !== null) ? (slots as AddressSlot[]) : null;
}

/** The address of a stats socket, as `bindAddresses`. */
export function statsSocketAddress(
  statement: Statement,
  at: number,
  configuration: ConfigurationDraft,
): AddressSlot | null {
  const wording = { lead: "'stats socket' : " };
  return addressAt(statement, at, statement.text(at), BIND_RULES, configuration, wording);
}

/** `stdout` and `stderr` are descriptors 1 and 2; anything else is where datagrams go, port 514 unless one is written. */
export function logAddress(statement: Statement, at: number, configuration: ConfigurationDraft): AddressSlot | null {
  const text = statement.text(at);
  const isStandard = text === "stdout" || text === "stderr";
  const written = isStandard ? `fd@${text === "stdout" ? 1 : 2}` : text;
  const slot = addressAt(statement, at, written, LOG_RULES, configuration, { lead: "log : " });
  if (slot === null || slot.argument.socket === "datagram" || slot.argument.family === "fd") return slot;
  const message = `log : '${text}' is a stream target, which is known to HAProxy but not served yet`;
  statement.alert("unserved", message, { at, expected: "a UNIX or UDP address, stdout or stderr" });
  return null;
}

/** The address of a peer: an IP one with a port, a UNIX socket, or a name. Null after a report. */
export function peerAddress(statement: Statement, at: number, configuration: ConfigurationDraft): AddressSlot | null {
  const wording = { lead: `'${statement.text(0)} ${statement.text(1)}' : `, introduction: "located" } as const;
  return addressAt(statement, at, statement.text(at), PEER_RULES, configuration, wording);
}

/** The address of a server. */
export function parseServerAddress(
  text: string,
  configuration: ConfigurationDraft,
): Parsed<AddressArgument, AddressProblem> {
  return parseAddress(text, SERVER_RULES, configuration.environment);
}

/** `addr` and `source` of a server: an address that is no name. */
export function literalAddress(
  text: string,
  configuration: ConfigurationDraft,
): Parsed<AddressArgument, AddressProblem> {
  return parseAddress(text, PEER_RULES, configuration.environment);
}
