// `show sess [<id>|all|help] [<options>*]` and `shutdown session <id>`: the streams that the workers have at this moment.
//
// The short form has HAProxy's fields; what its scheduler alone knows (calls, rate, cpu, lat) is 0 here. The long form is not fixed by the
// manual and tells what ringway knows.

import type { ProxyPlan, ServerPlan } from "../../plan/plan.ts";
import { STATE, STREAM } from "../../stream/stream.ts";
import { type LiveStream, sameId } from "../live-streams.ts";
import { type Answer, type Command, failure, message, NOTHING, type RuntimeContext } from "./command.ts";
import { dateText } from "./date-text.ts";
import { findBackend, findFrontend, findServer } from "./find.ts";

const USAGE = `Usage: show sess [<id> | all | help] [<options>*]
Dumps the streams that are active (HAProxy once called them sessions).
   <id>         only this stream (0x...), in the long form
   all          every stream in the long form
   help         this text
   susp         streams that have made no progress for a minute
Options:
   show-uri     the request's target too
   older <age>  only streams older than so many seconds
   server <b/s> only streams on this server
   backend <b>  only streams of this backend
   frontend <f> only streams of this frontend
Without an argument: all streams, one line each.
`;

const SUSPICIOUS_MS = 60_000;

interface Options {
  all: boolean;
  showUri: boolean;
  id: string | null;
  readonly filters: ((stream: LiveStream) => boolean)[];
}

export const showSess: Command = {
  words: ["show", "sess"],
  usage: "show sess [help|<id>|all] [opts...]",
  description: "report the list of current streams or dump this exact stream",
  level: "operator",
  async run({ args }, context) {
    if (args[0] === "help") return message(USAGE);
    const options = parse(args, context);
    if ("refusal" in options) return options.refusal;
    const { id, all, showUri, filters } = options;
    const streams = await context.streams.list();
    if (id !== null) {
      const one = streams.find((stream) => sameId(stream.id, id));
      return one === undefined ? failure("Session not found.\n") : { text: long(one, context) };
    }
    const shown = streams.filter((stream) => filters.every((holds) => holds(stream)));
    return { text: shown.map((stream) => (all ? long(stream, context) : short(stream, context, showUri))).join("") };
  },
};

export const shutdownSession: Command = {
  words: ["shutdown", "session"],
  usage: "shutdown session [id]",
  description: "kill a specific session",
  level: "admin",
  async run({ args }, { streams }) {
    const [id] = args;
    if (id === undefined || !/^0x[0-9a-f]+$/i.test(id)) {
      return failure("Session pointer expected (use 'show sess').\n");
    }
    return (await streams.shutDown(id)) ? NOTHING : failure("No such session (use 'show sess').\n");
  },
};

function parse(args: readonly string[], context: RuntimeContext): Options | { readonly refusal: Answer } {
  const options: Options = { all: false, showUri: false, id: null, filters: [] };
  for (let i = 0; i < args.length; i++) {
    const word = args[i];
    const value = args[i + 1];
    if (word === "all") options.all = true;
    else if (word === "show-uri") options.showUri = true;
    else if (word === "susp")
      options.filters.push(({ ageMs, state }) => ageMs > SUSPICIOUS_MS && state !== STATE.tunnel);
    else if (/^0x[0-9a-f]+$/i.test(word)) options.id = word;
    else if (word === "older") {
      if (value === undefined || !/^\d+s?$/.test(value)) return refuse("Expects a number of seconds behind 'older'.\n");
      options.filters.push(({ ageMs }) => ageMs > Number.parseInt(value, 10) * 1000);
      i++;
    } else if (word === "server" || word === "backend" || word === "frontend") {
      const filter = ownFilter(word, value, context);
      if ("refusal" in filter) return filter;
      options.filters.push(filter.holds);
      i++;
    } else return refuse(`Unsupported option '${word}', try 'help' for more info.\n`);
  }
  return options;
}

function refuse(text: string): { readonly refusal: Answer } {
  return { refusal: failure(text) };
}

type Filter = { readonly holds: (stream: LiveStream) => boolean };

function ownFilter(
  kind: string,
  name: string | undefined,
  context: RuntimeContext,
): Filter | { readonly refusal: Answer } {
  if (kind === "server") {
    const server = findServer(name, context);
    return "refusal" in server ? server : { holds: (stream) => stream.server === server.found.index };
  }
  if (kind === "backend") {
    const backend = name === undefined ? undefined : findBackend(name, context);
    if (backend === undefined) return refuse("No such backend.\n");
    return { holds: (stream) => stream.backend === backend.index };
  }
  const frontend = findFrontend(name, context);
  return "refusal" in frontend ? frontend : { holds: (stream) => stream.frontend === frontend.found.index };
}

interface Named {
  readonly frontend: ProxyPlan;
  readonly backend: ProxyPlan | undefined;
  readonly server: ServerPlan | undefined;
}

function namesOf(stream: LiveStream, { control }: RuntimeContext): Named {
  const { proxies, servers } = control.plan;
  return { frontend: proxies[stream.frontend], backend: proxies[stream.backend], server: servers[stream.server] };
}

function protocol(client: string): string {
  if (client.startsWith("unix")) return "unix_stream";
  return client.startsWith("[") ? "tcpv6" : "tcpv4";
}

function short(stream: LiveStream, context: RuntimeContext, showUri: boolean): string {
  const { frontend, backend, server } = namesOf(stream, context);
  const hex = (value: number): string => (value >>> 0).toString(16);
  const uri = showUri && stream.uri !== "" ? ` uri="${stream.uri.replaceAll('"', "%22")}"` : "";
  return (
    `${stream.id}: proto=${protocol(stream.client)} src=${stream.client} fe=${frontend.name} be=${backend?.name ?? "<NONE>"} ` +
    `srv=${server?.name ?? "<none>"} ts=${hex(stream.state).padStart(2, "0")} epoch=0 age=${ageText(stream.ageMs)} calls=0 rate=0 cpu=0 lat=0 ` +
    `rq[f=${hex(stream.flags)}h,i=${stream.serverOutput},an=00h,ax=] rp[f=${hex(stream.flags)}h,i=${stream.clientOutput},an=00h,ax=] ` +
    `scf=[8,0h,fd=${stream.worker + 1}/${stream.clientFd},rex=,wex=] scb=[${stream.serverFd < 0 ? 0 : 8},1h,fd=${stream.worker + 1}/${stream.serverFd},rex=,wex=] ` +
    `exp= rc=${stream.retries} c_exp=${uri}\n`
  );
}

function long(stream: LiveStream, context: RuntimeContext): string {
  const { frontend, backend, server } = namesOf(stream, context);
  const { plan } = context.control;
  const state = Object.entries(STATE).find(([, value]) => value === stream.state)?.[0] ?? String(stream.state);
  const flags = Object.entries(STREAM).filter(([, bit]) => (stream.flags & bit) !== 0);
  const [fromClient, toServer, fromServer, toClient] = stream.bytes;
  const lines = [
    `${stream.id}: [${dateText(stream.startedAtMs)}] id=${stream.number} proto=${protocol(stream.client)} source=${stream.client}`,
    `  flags=0x${(stream.flags >>> 0).toString(16)} (${flags.map(([name]) => name).join(",")}), conn_retries=${stream.retries}, waiting=${stream.queued ? 1 : 0} state=${state}`,
    `  frontend=${frontend.name} (id=${frontend.id} mode=${frontend.mode}), listener=${plan.listeners[stream.listener]?.name ?? "?"}`,
    backend === undefined
      ? "  backend=<NONE> (id=-1 mode=-)"
      : `  backend=${backend.name} (id=${backend.id} mode=${backend.mode})`,
    server === undefined ? "  server=<NONE> (id=-1)" : `  server=${server.name} (id=${server.id})`,
    `  task=worker ${stream.worker + 1} (age=${ageText(stream.ageMs)})`,
    `  scf fd=${stream.clientFd} out=${stream.clientOutput} received=${fromClient} sent=${toClient}`,
    `  scb fd=${stream.serverFd} out=${stream.serverOutput} received=${fromServer} sent=${toServer}`,
    ...(stream.uri === "" ? [] : [`  uri=${stream.uri}`]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** `5s`, `1m5s`, `2h5m`: the two greatest units. */
function ageText(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m`;
}
