// Lines of a `spoe-message` section: acl, args, event. Its ACLs are its own; what they and the arguments refer to is looked up as if the proxy of
// the filter had written them.

import type { ConfigurationDraft } from "../draft.ts";
import { parseAclTest } from "../expression/acl.ts";
import { parseCondition } from "../expression/condition.ts";
import { type ExpressionProblem, parseSample } from "../expression/sample.ts";
import type { SpoeDraft, SpoeEvent, SpoeMessageDraft } from "../spoe-draft.ts";
import type { Statement } from "../statement.ts";
import { rememberReferences } from "./condition.ts";

const EVENTS: ReadonlySet<string> = new Set<SpoeEvent>([
  ...(["on-client-session", "on-frontend-tcp-request", "on-backend-tcp-request", "on-tcp-response"] as const),
  ...(["on-frontend-http-request", "on-backend-http-request", "on-http-response"] as const),
]);
/** As many as a frame's byte for it counts. */
const ARGUMENTS_MAX = 255;

export function spoeMessageLine(
  statement: Statement,
  message: SpoeMessageDraft,
  { proxy }: SpoeDraft,
  configuration: ConfigurationDraft,
): void {
  switch (statement.text(0)) {
    case "acl": {
      const parsed = parseAclTest(statement.textsFrom(2));
      if (!parsed.ok) {
        report(statement, parsed, `error detected while parsing ACL '${statement.text(1)}'`, 2 + parsed.at);
        return;
      }
      rememberReferences(statement, proxy, configuration, parsed.fetchName, parsed.references);
      const tests = message.acls.get(statement.text(1));
      if (tests === undefined) message.acls.set(statement.text(1), [...parsed.tests]);
      else tests.push(...parsed.tests);
      return;
    }
    case "args":
      args(statement, message, (parsed) =>
        rememberReferences(statement, proxy, configuration, parsed.fetchName, parsed.references),
      );
      return;
    case "event":
      event(statement, message, (name, reference) =>
        rememberReferences(statement, proxy, configuration, name, [reference]),
      );
      return;
    default:
      statement.alert("unknown-keyword", `unknown keyword '${statement.text(0)}' in 'spoe-message' section.`);
  }
}

function report(statement: Statement, problem: ExpressionProblem, introduction: string, at: number): void {
  const { message, suggestions = [], hint } = problem;
  statement.alert("bad-expression", `${introduction} : ${message}`, {
    ...{ at, suggestions },
    ...(hint === undefined ? {} : { hint }),
  });
}

type Parsed = Extract<ReturnType<typeof parseSample>, { ok: true }>;

/** `args [name=]<sample> …` */
function args(statement: Statement, message: SpoeMessageDraft, remember: (parsed: Parsed) => void): void {
  for (const [index, word] of statement.textsFrom(1).entries()) {
    const [, name = "", text = ""] = /^(?:([A-Za-z0-9_.-]+)=)?(.*)$/s.exec(word)!;
    const parsed = parseSample(text);
    if (!parsed.ok) {
      report(statement, parsed, `'args' : error in '${word}'`, index + 1);
      return;
    }
    remember(parsed);
    message.args.push({ name, sample: parsed.sample });
  }
  if (message.args.length > ARGUMENTS_MAX) statement.alert("too-many", "a message has 255 arguments at most.");
}

type Reference = Parameters<typeof rememberReferences>[4][number];

/** `event <name> [ { if | unless } <condition> ]`: the last one counts. */
function event(
  statement: Statement,
  message: SpoeMessageDraft,
  remember: (name: string, reference: Reference) => void,
): void {
  const name = statement.text(1);
  if (name === "on-server-session") {
    statement.alert(
      "unserved",
      "the SPOE event 'on-server-session' is known to HAProxy but not served by ringway yet",
      {
        at: 1,
        hint: "'on-tcp-response' and 'on-http-response' come with the server's first words.",
      },
    );
    return;
  }
  if (!EVENTS.has(name)) {
    statement.alert("unknown-event", `unknown event '${name}'.`, { at: 1, suggestions: [...EVENTS] });
    return;
  }
  message.event = name as SpoeEvent;
  message.condition = null;
  const word = statement.text(2);
  if (word === "") return;
  if (word !== "if" && word !== "unless") {
    statement.alert("missing-condition", "'event' expects either 'if' or 'unless' followed by a condition.", { at: 2 });
    return;
  }
  const parsed = parseCondition(statement.textsFrom(3), message.acls);
  if (!parsed.ok) {
    report(statement, parsed, "error detected while parsing an event's condition", 3 + parsed.at);
    return;
  }
  for (const { fetchName, reference } of parsed.references) remember(fetchName, reference);
  message.condition = word === "if" ? parsed.condition : { kind: "not", term: parsed.condition };
}
