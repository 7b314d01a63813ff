// `bfd_instance NAME { … }`: a session to another machine that notices its loss within milliseconds (RFC 5880).

import type { BfdDraft } from "../drafts.ts";
import { type Context, type Keyword, readSection, type Section } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { boolean, flag, integer, line, parseDecimal, parseIp, requireWord } from "../values.ts";
import { readWeight } from "./vrrp-script.ts";

/** keepalived keeps names in 32 bytes. */
const NAME_LENGTH_MAX = 31;
const MILLISECONDS_MAX = 4294967;

function interval(
  name: string,
  min: number,
  about: string,
  set: (draft: BfdDraft, ms: number) => void,
): Keyword<BfdDraft> {
  return line({ name, syntax: "<MILLISECONDS>", text: about }, (draft, statement, context) => {
    const word = requireWord(statement, 1, context);
    if (word === null) return;
    const value = parseDecimal(word.text, { min, max: MILLISECONDS_MAX });
    if (value !== null) set(draft, value);
    else {
      const message = `Configuration error: BFD instance ${draft.name} ${name} value ${word.text} is not valid (must be in range [${min}-4294967]), ignoring`;
      context.report.fault("invalid-number", word.place, message);
    }
  });
}

function number(
  name: string,
  shown: string,
  bounds: { min: number; max: number },
  about: string,
  set: (draft: BfdDraft, value: number) => void,
): Keyword<BfdDraft> {
  const range = `[${bounds.min}-${bounds.max}]`;
  const invalid = (value: string, draft: BfdDraft) =>
    `Configuration error: BFD instance ${draft.name} ${shown} value ${value} not valid (must be in range ${range}), ignoring`;
  return integer({ name, ...bounds, text: about, invalid }, set);
}

function neighbor(name: string): Keyword<BfdDraft> {
  return line({ name, syntax: "<ADDRESS>", text: "The other machine." }, (draft, statement, context) => {
    const word = requireWord(statement, 1, context);
    if (word === null) return;
    draft.neighborIp = parseIp(word.text);
    if (draft.neighborIp !== null) return;
    draft.isBroken = true;
    const message = `Configuration error: BFD instance ${draft.name} has malformed neighbor address ${word.text}, ignoring instance`;
    context.report.fault("invalid-address", word.place, message);
  });
}

export const BFD_INSTANCE: Section<BfdDraft> = {
  name: "bfd_instance",
  keywords: [
    neighbor("neighbor_ip"),
    neighbor("neighbour_ip"),
    line({ name: "source_ip", syntax: "<ADDRESS>", text: "This machine." }, (draft, statement, context) => {
      const word = requireWord(statement, 1, context);
      if (word === null) return;
      draft.sourceIp = parseIp(word.text);
      if (draft.sourceIp !== null) return;
      const message = `Configuration error: BFD instance ${draft.name} has malformed source address ${word.text}, ignoring`;
      context.report.fault("invalid-address", word.place, message);
    }),
    interval("min_rx", 1, "Shortest interval at which packets can be received; default 10.", (draft, ms) => {
      draft.minRxMs = ms;
    }),
    interval("min_tx", 1, "Shortest interval at which packets are sent; default 10.", (draft, ms) => {
      draft.minTxMs = ms;
    }),
    interval("idle_tx", 1000, "Interval while the session is not up; default 1000.", (draft, ms) => {
      draft.idleTxMs = ms;
    }),
    number(
      "multiplier",
      "multiplier",
      { min: 1, max: 255 },
      "Packets that may be missing; default 5.",
      (draft, value) => {
        draft.multiplier = value;
      },
    ),
    flag({ name: "passive", text: "Nothing is sent before the other machine has sent something." }, (draft) => {
      draft.passive = true;
    }),
    ...["ttl", "hoplimit"].map((name) =>
      number(
        name,
        "ttl/hoplimit",
        { min: 1, max: 255 },
        "TTL (default 255) or hop limit (default 64) of packets.",
        (draft, value) => {
          draft.ttl = value;
        },
      ),
    ),
    number(
      "max_hops",
      "max_hops",
      { min: -1, max: 255 },
      "How many hops a received packet may have gone; 255: any number. Default 0.",
      (draft, value) => {
        draft.maxHops = value < 0 ? 255 : value;
      },
    ),
    line(
      { name: "weight", syntax: "<-253..253> [reverse]", text: "Its weight where a tracker names none; default 0." },
      (draft, statement, context) => {
        if (requireWord(statement, 1, context) === null) return;
        const wording = {
          invalid: (value: string) =>
            `Configuration error: BFD instance ${draft.name} weight value ${value} not valid (must be in range [-253-253]), ignoring`,
          option: (value: string) => `unknown BFD instance ${draft.name} weight option ${value}`,
        };
        Object.assign(draft, readWeight(statement, 253, wording, context) ?? {});
      },
    ),
    flag({ name: "vrrp", text: "Its events go to instances." }, (draft) => {
      draft.forVrrp = true;
    }),
    flag({ name: "checker", text: "Its events go to checks (BFD_CHECK)." }, (draft) => {
      draft.forCheckers = true;
    }),
    boolean(
      {
        name: "multihop",
        since: "2.3.0",
        text: "Port 4784 instead of 3784 (RFC 5883); max_hops has to be set as well.",
        invalid: (value, draft) => `BFD instance ${draft.name} multihop value ${value} not valid, ignoring`,
      },
      (draft, value) => {
        draft.multihop = value;
      },
    ),
  ],
};

export function readBfd(statement: Statement, context: Context): void {
  const name = requireWord(statement, 1, context);
  if (name === null) return;
  const draft: BfdDraft = {
    name: name.text,
    place: name.place,
    neighborIp: null,
    sourceIp: null,
    minRxMs: 10,
    minTxMs: 10,
    idleTxMs: 1000,
    multiplier: 5,
    passive: false,
    ttl: null,
    maxHops: 0,
    multihop: false,
    weight: 0,
    reverse: false,
    forVrrp: false,
    forCheckers: false,
    isBroken: false,
  };
  readSection(BFD_INSTANCE, draft, statement.block!, context);
  // Both or neither: everybody hears of it.
  if (!draft.forVrrp && !draft.forCheckers) Object.assign(draft, { forVrrp: true, forCheckers: true });
  const problem = problemOf(draft, context);
  if (problem !== null)
    context.report.fault("invalid-bfd", placeOf(statement, 1), `Configuration error: BFD instance ${problem}`);
  else if (!draft.isBroken) context.configuration.bfds.push(draft);
}

/** Why the instance is left out, or null. */
function problemOf(draft: BfdDraft, context: Context): string | null {
  const { name, neighborIp, sourceIp } = draft;
  const { bfds } = context.configuration;
  if (name.length > NAME_LENGTH_MAX) {
    return `${name} name too long (maximum length is ${NAME_LENGTH_MAX} characters) - ignoring`;
  }
  if (bfds.some((other) => other.name === name)) return `${name} already configured - ignoring`;
  if (neighborIp === null) return draft.isBroken ? null : `${name} has no neighbor address set, disabling instance`;
  if (sourceIp !== null && sourceIp.family !== neighborIp.family) {
    return `${name} source address ${sourceIp.text} and neighbor address ${neighborIp.text} are not of the same family, disabling instance`;
  }
  const twin = bfds.find(
    (other) => other.neighborIp!.text === neighborIp.text && other.sourceIp?.text === sourceIp?.text,
  );
  if (twin === undefined) return null;
  return `${name} has duplicate source/neighbor address ${sourceIp?.text ?? "(none)"}/${neighborIp.text}, ignoring instance`;
}
