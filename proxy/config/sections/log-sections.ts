// The sections `ring` (12.5) and `log-forward` (12.6).

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import { parseSize, parseTime } from "../arguments.ts";
import type { ConfigurationDraft } from "../draft.ts";
import { OTHER_SECTIONS } from "../keywords/sections.ts";
import type { ConfigLine } from "../line.ts";
import type { LogForwardDraft, RingDraft } from "../log-draft.ts";
import { Statement } from "../statement.ts";
import { bindAddresses, peerAddress } from "../values.ts";
import { FORMATS, parseLog } from "./log.ts";

export function openRing(statement: Statement, configuration: ConfigurationDraft): RingDraft {
  const name = statement.text(1);
  if (name === "") statement.alert("missing-name", "missing ring name", { at: 1 });
  if (configuration.rings.some((ring) => ring.name === name))
    statement.alert("duplicate-name", `sink named '${name}' already exists`, { at: 1 });
  const draft: RingDraft = {
    ...{ name, statement, description: "", format: null, lineBytesMax: 1024, bytesMax: 16384 },
    ...{ connectTimeoutMs: 0, servers: [] },
  };
  configuration.rings.push(draft);
  return draft;
}

export function ringLine(line: ConfigLine, ring: RingDraft, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  const text = statement.text(1);
  switch (statement.text(0)) {
    case "description":
      ring.description = text;
      break;
    case "format":
      if (FORMATS.has(text)) ring.format = text as RingDraft["format"];
      else statement.alert("bad-format", `unknown format '${text}'.`, { at: 1, suggestions: suggest(text, FORMATS) });
      break;
    case "maxlen":
    case "size":
      ringSize(statement, ring);
      break;
    case "timeout":
      ringTimeout(statement, ring);
      break;
    case "server":
      ringServer(statement, ring, configuration);
      break;
    case "backing-file":
      statement.alert(
        "unserved",
        "'backing-file' is known to HAProxy but not served yet: a ring is kept in memory only",
      );
      break;
    default:
      unknown(statement, "ring");
  }
}

function ringSize(statement: Statement, ring: RingDraft): void {
  const word = statement.text(0);
  const parsed = parseSize(statement.text(1));
  if (!parsed.ok || parsed.value === 0) {
    statement.alert(
      "bad-size",
      `invalid size '${statement.text(1)}' for ${word === "size" ? "new sink buffer" : "maxlen"}.`,
      { at: 1 },
    );
  } else if (word === "size") ring.bytesMax = parsed.value;
  else ring.lineBytesMax = parsed.value;
}

function ringTimeout(statement: Statement, ring: RingDraft): void {
  const which = statement.text(1);
  const parsed = parseTime(statement.text(2), "ms");
  if ((which !== "connect" && which !== "server") || !parsed.ok) {
    const message = `'timeout' supports 'connect' and 'server', and a time (got '${statement.textsFrom(1).join(" ")}').`;
    statement.alert("bad-timeout", message, { at: 1 });
  } else if (which === "connect") ring.connectTimeoutMs = parsed.value.value;
}

function ringServer(statement: Statement, ring: RingDraft, configuration: ConfigurationDraft): void {
  const slot = peerAddressAt(statement, configuration);
  let octetCount = false;
  for (let at = 3; at < statement.length; at++) {
    const word = statement.text(at);
    if (word === "log-proto" && /^(legacy|octet-count)$/.test(statement.text(at + 1)))
      octetCount = statement.text(++at) === "octet-count";
    else {
      statement.alert("unserved", `'${word}' is not served on server lines of a ring yet`, { at });
      return;
    }
  }
  if (slot !== null) ring.servers.push({ name: statement.text(1), slot, octetCount });
}

function peerAddressAt(statement: Statement, configuration: ConfigurationDraft): ReturnType<typeof peerAddress> {
  if (statement.text(2) === "") {
    statement.alert("missing-argument", "'server' expects <name> and <addr>[:<port>] as arguments.", { at: 1 });
    return null;
  }
  return peerAddress(statement, 2, configuration);
}

export function openLogForward(statement: Statement, configuration: ConfigurationDraft): LogForwardDraft {
  const name = statement.text(1);
  if (name === "") statement.alert("missing-name", "missing name for log-forward section.", { at: 1 });
  const twin = configuration.logForwards.find((forward) => forward.name === name);
  if (twin !== undefined) {
    const { file, line } = twin.statement.location;
    statement.alert(
      "duplicate-name",
      `log-forward section '${name}' has the same name as another log-forward section declared at ${file}:${line}.`,
      { at: 1 },
    );
  }
  const draft: LogForwardDraft = {
    ...{ name, statement, streams: [], datagrams: [], log: [], connectionsMax: 10, clientTimeoutMs: 0 },
    ...{ parses: true, linesOnly: false, host: "fill" as const },
  };
  configuration.logForwards.push(draft);
  return draft;
}

export function logForwardLine(line: ConfigLine, forward: LogForwardDraft, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  switch (statement.text(0)) {
    case "bind":
    case "dgram-bind": {
      const slots = bindAddresses(statement, 1, configuration);
      if (statement.has(2)) {
        statement.alert(
          "unserved",
          `'${statement.text(2)}' is not served on '${statement.text(0)}' lines of a log-forward section yet`,
          { at: 2 },
        );
      }
      if (slots !== null) (statement.text(0) === "bind" ? forward.streams : forward.datagrams).push(...slots);
      break;
    }
    case "log":
      parseLog(statement, forward.log, false, configuration);
      break;
    case "maxconn":
    case "backlog":
      if (!/^\d+$/.test(statement.text(1))) {
        statement.alert("not-an-integer", `'${statement.text(0)}' expects an integer argument.`, { at: 1 });
      } else if (statement.text(0) === "maxconn") forward.connectionsMax = Number(statement.text(1));
      break;
    case "timeout": {
      const parsed = parseTime(statement.text(2), "ms");
      if (statement.text(1) !== "client" || !parsed.ok) {
        statement.alert(
          "bad-timeout",
          `unknown timeout '${statement.text(1)}' or wrong value in log-forward section.`,
          { at: 1 },
        );
      } else forward.clientTimeoutMs = parsed.value.value;
      break;
    }
    case "option":
      forwardOption(statement, forward);
      break;
    default:
      unknown(statement, "log-forward");
  }
}

const HOST_STRATEGIES = ["replace", "fill", "keep", "append"] as const;

function forwardOption(statement: Statement, forward: LogForwardDraft): void {
  const name = statement.text(1);
  if (name === "dont-parse-log") forward.parses = false;
  else if (name === "assume-rfc6587-ntf") forward.linesOnly = true;
  else if (name === "host") {
    const strategy = HOST_STRATEGIES.find((word) => word === statement.text(2));
    if (strategy !== undefined) forward.host = strategy;
    else {
      const message = `'option host' expects 'replace', 'fill', 'keep' or 'append', got '${statement.text(2)}'.`;
      statement.alert("bad-option", message, { at: 2, suggestions: suggest(statement.text(2), HOST_STRATEGIES) });
    }
  } else
    statement.alert(
      "unserved",
      `'option ${statement.textsFrom(1).join(" ")}' is not served in log-forward sections yet`,
      { at: 1 },
    );
}

function unknown(statement: Statement, section: string): void {
  const word = statement.text(0);
  const suggestions = suggest(word, OTHER_SECTIONS.get(section)!.keywords);
  statement.alert("unknown-keyword", `unknown keyword '${word}' in '${section}' section.`, { suggestions });
}
