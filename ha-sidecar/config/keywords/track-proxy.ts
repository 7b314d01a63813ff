// `track_proxy NAME { … }`, ours: the proxy in front of which the addresses stand. What it is good for: plan/track.ts.

import type { ProxyRequirement } from "../../plan/track.ts";
import type { ProxyTrackDraft } from "../drafts.ts";
import { type Context, type Keyword, readSection, type Section } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { integer, line, parseInteger, parseIp, requireWord, seconds } from "../values.ts";
import { readWeight } from "./vrrp-script.ts";

const PROXY_WEIGHT = {
  invalid: (value: string) => `track_proxy weight ${value} must be in [-253, 253]`,
  option: (value: string) => `track_proxy unknown weight option ${value}`,
};

function proxyTime(
  name: "interval" | "timeout" | "grace" | "worker_timeout",
  about: string,
  set: (draft: ProxyTrackDraft, ms: number) => void,
): Keyword<ProxyTrackDraft> {
  return seconds(
    {
      name,
      min: name === "grace" || name === "worker_timeout" ? 0 : 0.001,
      max: 3600,
      since: "ringway",
      text: about,
      invalid: (value) => `track_proxy ${name} '${value}' is invalid`,
    },
    set,
  );
}

function proxyCount(name: "rise" | "fall", about: string): Keyword<ProxyTrackDraft> {
  return integer(
    {
      name,
      min: 1,
      max: 1000,
      since: "ringway",
      text: about,
      invalid: (value) => `track_proxy ${name} '${value}' is invalid`,
    },
    (draft, value) => {
      draft[name] = value;
    },
  );
}

export const TRACK_PROXY: Section<ProxyTrackDraft> = {
  name: "track_proxy",
  keywords: [
    line(
      {
        name: "socket",
        syntax: "<PATH>",
        since: "ringway",
        text: "The proxy's runtime API, held open: its end of file is the fastest news of a crash.",
      },
      (draft, statement, context) => {
        const path = requireWord(statement, 1, context);
        if (path !== null) draft.probe = { kind: "socket", path: path.text };
      },
    ),
    line(
      {
        name: "pidfile",
        syntax: "<PATH>",
        since: "ringway",
        text: "For other programs: the process that a pid file names.",
      },
      (draft, statement, context) => {
        const path = requireWord(statement, 1, context);
        if (path !== null) draft.probe = { kind: "pidfile", path: path.text };
      },
    ),
    line(
      { name: "tcp", syntax: "<ADDRESS> <PORT>", since: "ringway", text: "For other programs: a connection." },
      (draft, statement, context) => {
        const target = readTarget(statement, context);
        if (target !== null) draft.probe = { kind: "tcp", ...target };
      },
    ),
    line(
      {
        name: "http",
        syntax: "<ADDRESS> <PORT> [<PATH> [<HOST>]]",
        since: "ringway",
        text: "For other programs: a GET that is answered with a status below 400.",
      },
      (draft, statement, context) => {
        const target = readTarget(statement, context);
        if (target === null) return;
        const [, , , path, host] = statement.words;
        draft.probe = { kind: "http", ...target, path: path?.text ?? "/", host: host?.text ?? target.address.text };
      },
    ),
    proxyTime("interval", "Seconds between two questions; default 0.1.", (draft, ms) => {
      draft.intervalMs = ms;
    }),
    proxyTime("timeout", "Seconds until an unanswered question has failed; default three intervals.", (draft, ms) => {
      draft.timeoutMs = ms;
    }),
    proxyTime("grace", "Seconds that a successor may take until it has the socket; default 0.01.", (draft, ms) => {
      draft.graceMs = ms;
    }),
    proxyTime(
      "worker_timeout",
      "Seconds after which a worker of ringway whose loop stands still has failed; default 1, 0: not looked at.",
      (draft, ms) => {
        draft.workerTimeoutMs = ms;
      },
    ),
    line(
      {
        name: "weight",
        syntax: "<-253..253> [reverse]",
        since: "ringway",
        text: "As of a vrrp_script; 0, the default: a dead proxy is a FAULT.",
      },
      (draft, statement, context) => {
        if (requireWord(statement, 1, context) === null) return;
        Object.assign(draft, readWeight(statement, 253, PROXY_WEIGHT, context) ?? {});
      },
    ),
    proxyCount("rise", "Good answers until it is up; default 1."),
    proxyCount("fall", "Bad or missing answers until it is down; default 3. A crash counts at once."),
    line(
      {
        name: "require",
        syntax: '"backend <NAME> up >= <N>[%]"',
        since: "ringway",
        text: "So many servers of a backend must be up. May be repeated; all must hold.",
      },
      readRequirement,
    ),
  ],
};

function readTarget(statement: Statement, context: Context) {
  const address = parseIp(statement.words[1]?.text ?? "");
  const port = parseInteger(statement.words[2]?.text ?? "", { min: 1, max: 65535 });
  if (address !== null && port !== null) return { address, port };
  const at = placeOf(statement, address === null ? 1 : 2);
  context.report.fault("invalid-address", at, "track_proxy needs an address and a port", {
    expected: "for example 127.0.0.1 80",
  });
  return null;
}

function readRequirement(draft: ProxyTrackDraft, statement: Statement, context: Context): void {
  const words = statement.words
    .slice(1)
    .map((word) => word.text)
    .join(" ");
  const match = /^backend (\S+) up >= ?(\d{1,6})(%?)$/.exec(words);
  if (match === null) {
    context.report.fault(
      "invalid-value",
      placeOf(statement, 1),
      `track_proxy requirement '${words}' is not understood`,
      {
        expected: '"backend NAME up >= N" or "backend NAME up >= N%"',
      },
    );
    return;
  }
  const requirement: ProxyRequirement = {
    backend: match[1]!,
    serversUpMin: Number(match[2]),
    isPercent: match[3] === "%",
  };
  draft.require.push(requirement);
}

export function readTrackProxy(statement: Statement, context: Context): void {
  const name = requireWord(statement, 1, context);
  if (name === null) return;
  const draft: ProxyTrackDraft = {
    name: name.text,
    place: name.place,
    probe: null,
    intervalMs: 100,
    timeoutMs: null,
    weight: 0,
    reverse: false,
    rise: 1,
    fall: 3,
    graceMs: 10,
    workerTimeoutMs: 1000,
    require: [],
  };
  readSection(TRACK_PROXY, draft, statement.block!, context);
  if (draft.probe === null) {
    context.report.fault("missing-probe", name.place, `track_proxy ${name.text} has nothing to ask - removing`, {
      expected: "socket, pidfile, tcp or http",
    });
    return;
  }
  if (draft.require.length > 0 && draft.probe.kind !== "socket") {
    context.report.fault(
      "invalid-value",
      name.place,
      `track_proxy ${name.text}: only a socket tells how many servers are up`,
    );
  }
  context.configuration.proxies.push(draft);
}
