// `filter spoe [engine <name>] config <file>` and the file that it names: `spoe-agent`, `spoe-message` and `spoe-group` sections, in the scope of
// the engine. What they name in each other and in the configuration is looked up in ../check/spoe.ts.
//
//   [iprep]                          scope: only the lines behind it concern the engine `iprep`
//   spoe-agent iprep-agent
//       messages get-reputation      option var-prefix iprep     use-backend agents
//   spoe-message get-reputation
//       args ip=src                  event on-client-session if !{ src 10.0.0.0/8 }

import { parseTime } from "../arguments.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { newRules } from "../rules-draft.ts";
import { readText } from "../source.ts";
import { readSource } from "../sources.ts";
import type { SpoeDraft } from "../spoe-draft.ts";
import { Statement } from "../statement.ts";
import { spoeMessageLine } from "./spoe-message.ts";

const VARIABLE_PART = /^[A-Za-z0-9_.]+$/;
const FRAME_BYTES_MIN = 256;
const BUFSIZE_DEFAULT = 16_384;
/** Keywords of `spoe-agent` that HAProxy ignores since 3.1. */
const IGNORED = new Set(["maxconnrate", "maxerrrate", "max-waiting-frames"]);

export function spoeFilter(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  let engine: string | null = null;
  let file = "";
  for (let at = 2; at < statement.length; at += 2) {
    const word = statement.text(at);
    const value = statement.text(at + 1);
    if (word !== "engine" && word !== "config") {
      statement.alert("unknown-word", `'filter' : 'spoe' : unknown keyword '${word}'`, { at });
      return;
    }
    if (value === "") {
      const what = word === "engine" ? "option without value" : "file name";
      statement.alert("missing-argument", `'filter' : 'spoe' : '${word}' : ${what}`, { at });
      return;
    }
    if (word === "engine") engine = value;
    else file = value;
  }
  if (file === "") {
    statement.alert("missing-argument", "'filter' : 'spoe' : missing config file", { at: 1 });
    return;
  }
  const draft = newSpoe(statement, proxy, engine, configuration.global.numbers.get("tune.bufsize") ?? BUFSIZE_DEFAULT);
  proxy.filters.push({ name: "spoe", argument: "", statement });
  proxy.spoeRules ??= newRules();
  configuration.filters.engines.push(draft);
  readSpoeFile(file, draft, configuration);
}

function newSpoe(statement: Statement, proxy: ProxyDraft, engine: string | null, bufsize: number): SpoeDraft {
  return {
    ...{ proxy, statement, engine, agent: null, backend: null, messageNames: [], groupNames: [] },
    ...{ messages: new Map(), groups: new Map(), prefix: null, processingMs: 0, frameBytesMax: bufsize - 4 },
    ...{ pipelining: true, continueOnError: false, registered: [], error: null, processTime: null, totalTime: null },
  };
}

interface Reading {
  readonly draft: SpoeDraft;
  readonly configuration: ConfigurationDraft;
  /** The scope that the lines stand in, null: before the first one. */
  scope: string | null;
  section: "agent" | "message" | "group" | "other" | null;
  /** Of the message or group being read. */
  name: string;
}

function readSpoeFile(file: string, draft: SpoeDraft, configuration: ConfigurationDraft): void {
  const { diagnostics, environment } = configuration;
  const source = readSource(file, diagnostics);
  if (source === null) return;
  const reading: Reading = { draft, configuration, scope: null, section: null, name: "" };
  const context = { environment, diagnostics, section: "", enabledOptions: new Set<string>() };
  readText(source, context, {
    onLine: (line) => {
      const scope = /^\[(.*)\]$/.exec(line.words[0]!.text)?.[1];
      if (scope !== undefined) {
        reading.scope = scope;
        reading.section = null;
        if (draft.engine === null) {
          new Statement(line, diagnostics).alert("scope", `SPOE scope '${scope}' but the filter names no engine.`);
        }
      } else if (reading.scope === draft.engine) {
        const isNegated = line.words[0]!.text === "no" && line.words.length > 1;
        spoeLine(new Statement(line, diagnostics, isNegated ? "no" : null), reading);
      }
    },
  });
}

function spoeLine(statement: Statement, reading: Reading): void {
  const keyword = statement.text(0);
  if (/^spoe-(agent|message|group)$/.test(keyword)) beginSection(statement, reading);
  else if (reading.section === "agent") agentLine(statement, reading.draft);
  else if (reading.section === "message") {
    spoeMessageLine(statement, reading.draft.messages.get(reading.name)!, reading.draft, reading.configuration);
  } else if (reading.section === "group") {
    if (keyword === "messages") reading.draft.groups.get(reading.name)!.push(...namesOf(statement, 1));
    else unknown(statement, "spoe-group");
  } else if (reading.section === null) {
    statement.alert("unknown-section", `unknown keyword '${keyword}' out of section.`, { expected: "a spoe section" });
  }
}

function beginSection(statement: Statement, reading: Reading): void {
  const { draft } = reading;
  const keyword = statement.text(0);
  const name = statement.text(1);
  reading.section = "other";
  reading.name = name;
  if (name === "") {
    statement.alert("missing-argument", `missing name for ${keyword} section.`, { at: 1, expected: "a name" });
    return;
  }
  if (keyword === "spoe-agent") {
    reading.section = "agent";
    if (draft.agent !== null) statement.alert("twice", "duplicate spoe-agent section: only one is allowed in a scope.");
    draft.agent = { name, statement };
  } else if (keyword === "spoe-message") {
    reading.section = "message";
    if (draft.messages.has(name))
      statement.alert("twice", `spoe-message section '${name}' has the same name as another.`);
    draft.messages.set(name, { name, acls: new Map(), args: [], event: null, condition: null });
  } else {
    reading.section = "group";
    if (draft.groups.has(name)) statement.alert("twice", `spoe-group section '${name}' has the same name as another.`);
    draft.groups.set(name, []);
  }
}

const namesOf = (statement: Statement, from: number) => statement.textsFrom(from).map((name) => ({ name, statement }));

function unknown(statement: Statement, section: string): void {
  statement.alert("unknown-keyword", `unknown keyword '${statement.text(0)}' in '${section}' section.`);
}

function agentLine(statement: Statement, draft: SpoeDraft): void {
  const keyword = statement.text(0);
  switch (keyword) {
    case "messages":
      draft.messageNames.push(...namesOf(statement, 1));
      return;
    case "groups":
      draft.groupNames.push(...namesOf(statement, 1));
      return;
    case "use-backend":
      if (!statement.has(1)) statement.alert("missing-argument", "'use-backend' expects a backend name.", { at: 1 });
      else draft.backend = { name: statement.text(1), statement };
      return;
    case "register-var-names":
      for (const [index, name] of statement.textsFrom(1).entries()) {
        if (VARIABLE_PART.test(name)) draft.registered.push(name);
        else statement.alert("bad-name", `'${name}' is no variable name.`, { at: index + 1 });
      }
      return;
    case "timeout":
      timeout(statement, draft);
      return;
    case "max-frame-size": {
      const bytes = Number(statement.text(1));
      if (/^\d+$/.test(statement.text(1)) && bytes >= FRAME_BYTES_MIN && bytes <= draft.frameBytesMax) {
        draft.frameBytesMax = bytes;
      } else {
        const message = `'${keyword}' expects a positive integer argument in the range [256, tune.bufsize-4].`;
        statement.alert("bad-number", message, { at: 1 });
      }
      return;
    }
    case "option":
      option(statement, draft);
      return;
    case "log":
      statement.alert("unserved", "'log' of a spoe-agent is known to HAProxy but not served by ringway yet", {
        hint: "'option set-on-error' and 'option set-process-time' bring what it says into the log of the proxy.",
      });
      return;
    default:
      if (!IGNORED.has(keyword)) unknown(statement, "spoe-agent");
  }
}

function timeout(statement: Statement, draft: SpoeDraft): void {
  const name = statement.text(1);
  const parsed = parseTime(statement.text(2), "ms");
  if (name !== "processing" && name !== "hello" && name !== "idle") {
    statement.alert("unknown-word", `'timeout' supports 'hello', 'idle' and 'processing' (got '${name}').`, { at: 1 });
  } else if (!parsed.ok) {
    statement.alert("bad-time", `'timeout ${name}' expects a time.`, { at: 2, expected: "a time such as 10ms" });
  } else if (name === "processing") draft.processingMs = parsed.value.value;
}

function option(statement: Statement, draft: SpoeDraft): void {
  const name = statement.text(1);
  const value = statement.text(2);
  const variable = (): string | null => {
    if (VARIABLE_PART.test(value)) return value;
    statement.alert("bad-name", `'option ${name}' expects a name of letters, digits, '.' and '_'.`, { at: 2 });
    return null;
  };
  switch (name) {
    case "var-prefix":
      draft.prefix = variable();
      return;
    case "set-on-error":
      draft.error = variable();
      return;
    case "set-process-time":
      draft.processTime = variable();
      return;
    case "set-total-time":
      draft.totalTime = variable();
      return;
    case "continue-on-error":
      draft.continueOnError = !statement.negated;
      return;
    case "pipelining":
      draft.pipelining = !statement.negated;
      return;
    case "async":
    case "send-frag-payload":
    case "dontlog-normal":
      return;
    case "force-set-var":
      statement.alert("unserved", "'option force-set-var' is known to HAProxy but not served by ringway yet", {
        at: 1,
        hint: "'register-var-names' names the variables that the agent may set.",
      });
      return;
    default:
      statement.alert("unknown-word", `option '${name}' is not supported in a spoe-agent section.`, { at: 1 });
  }
}
