// One line of `virtual_rules` or `static_rules`, in the words of `ip rule`.

import type { PrefixPlan, RulePlan } from "../../plan/network.ts";
import { missingParameter } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { parseInteger, UNSIGNED_MAX } from "../values.ts";
import { locationOf, type Resolver } from "./resolver.ts";
import { parsePrefix } from "./route-line.ts";
import { PROTOCOLS, parseTable } from "./route-names.ts";

type Draft = { -readonly [Key in keyof RulePlan]: RulePlan[Key] };

/** FR_ACT_* */
const ACTIONS: Readonly<Record<string, number>> = { nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 };
const TO_TABLE = 1;
const GOTO = 2;

const IP_PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  vrrp: 112,
  sctp: 132,
};

export interface RuleLine {
  readonly plan: RulePlan;
  readonly trackGroup: string | null;
}

export function readRuleLine(entry: Statement, isStatic: boolean, resolver: Resolver): RuleLine | null {
  return new RuleReader(entry, isStatic, resolver).run();
}

class RuleReader {
  readonly #entry: Statement;
  readonly #isStatic: boolean;
  readonly #resolver: Resolver;
  readonly #draft: Draft;
  #family: 4 | 6 | null = null;
  #hasAction = false;
  #preference: number | null = null;
  #trackGroup: string | null = null;
  #index = 0;
  #usable = true;

  constructor(entry: Statement, isStatic: boolean, resolver: Resolver) {
    this.#entry = entry;
    this.#isStatic = isStatic;
    this.#resolver = resolver;
    this.#draft = {
      family: 4,
      action: TO_TABLE,
      invert: false,
      from: null,
      to: null,
      preference: 0,
      table: 254,
      tos: 0,
      fwmark: null,
      inputInterface: null,
      outputInterface: null,
      gotoTarget: 0,
      suppressPrefixLength: null,
      suppressInterfaceGroup: null,
      uidRange: null,
      l3mdev: false,
      ipProtocol: null,
      sourcePorts: null,
      destinationPorts: null,
      protocol: 18,
      noTrack: false,
      trackedBy: [],
      at: locationOf(placeOf(entry)),
    };
  }

  run(): RuleLine | null {
    const { words } = this.#entry;
    while (this.#usable && this.#index < words.length) {
      this.#word(words[this.#index]!.text);
      this.#index++;
    }
    return this.#usable ? this.#finish() : null;
  }

  #word(word: string): void {
    const draft = this.#draft;
    const action = ACTIONS[word];
    if (action !== undefined) {
      draft.action = action;
      this.#hasAction = true;
    } else if (word === "not") draft.invert = true;
    else if (word === "inet" || word === "inet6") this.#family = word === "inet6" ? 6 : 4;
    else if (word === "no_track" && !this.#isStatic) draft.noTrack = true;
    else if (word === "l3mdev") {
      draft.l3mdev = true;
      this.#hasAction = true;
    } else if (!this.#selector(word) && !this.#valued(word)) {
      this.#skip("unknown-option", `Unknown rule option ${word}`);
    }
  }

  #selector(word: string): boolean {
    const draft = this.#draft;
    switch (word) {
      case "from":
      case "to":
        this.#with((value) => this.#prefix(word, value));
        return true;
      case "iif":
      case "dev":
      case "oif":
        this.#with((value) => this.#interface(word, value));
        return true;
      case "tos":
      case "dsfield":
        this.#with((value) => {
          const tos = parseNumber(value, 255);
          if (tos === null) this.#fault("invalid-number", `Invalid tos value ${value}`);
          else draft.tos = tos;
        });
        return true;
      case "fwmark":
        this.#with((value) => this.#mark(value));
        return true;
      case "uidrange":
        this.#with((value) => {
          draft.uidRange = this.#range(word, value, UNSIGNED_MAX);
        });
        return true;
      case "sport":
      case "dport":
        this.#with((value) => {
          draft[word === "sport" ? "sourcePorts" : "destinationPorts"] = this.#range(word, value, 65535);
        });
        return true;
      case "ipproto":
      case "ip_proto":
        this.#with((value) => {
          const protocol = IP_PROTOCOLS[value.toLowerCase()] ?? parseInteger(value, { min: 0, max: 255 });
          if (protocol === null) this.#fault("invalid-value", `invalid ip_proto ${value}`);
          else draft.ipProtocol = protocol;
        });
        return true;
      default:
        return false;
    }
  }

  #valued(word: string): boolean {
    const draft = this.#draft;
    switch (word) {
      case "table":
      case "lookup":
        this.#with((value) => this.#table(value));
        return true;
      case "goto":
        this.#number(word, 0, UNSIGNED_MAX, (value) => {
          draft.gotoTarget = value;
          draft.action = GOTO;
          this.#hasAction = true;
        });
        return true;
      case "preference":
      case "priority":
      case "order":
        this.#number(word, 0, UNSIGNED_MAX, (value) => {
          this.#preference = value;
        });
        return true;
      case "suppress_prefixlength":
      case "sup_pl":
        this.#number(word, 0, 128, (value) => {
          draft.suppressPrefixLength = value;
        });
        return true;
      case "suppress_ifgroup":
      case "sup_group":
        this.#number(word, 0, UNSIGNED_MAX, (value) => {
          draft.suppressInterfaceGroup = value;
        });
        return true;
      case "protocol":
        this.#with((value) => {
          const protocol = PROTOCOLS[value] ?? parseInteger(value, { min: 0, max: 255 });
          if (protocol === null) this.#fault("invalid-value", `Invalid protocol ${value} for rule`);
          else draft.protocol = protocol;
        });
        return true;
      case "track_group":
        if (!this.#isStatic) return false;
        this.#with((value) => {
          this.#trackGroup = value;
        });
        return true;
      case "realms":
      case "tunnel_id":
        this.#with(() => {
          const message = `'${word}' of rules has no effect here`;
          this.#resolver.report.warning("ignored-option", placeOf(this.#entry, this.#index), message);
        });
        return true;
      default:
        return false;
    }
  }

  #with(read: (value: string) => void): void {
    const value = this.#entry.words[++this.#index]?.text;
    if (value !== undefined) read(value);
    else {
      missingParameter(this.#entry, this.#index, this.#resolver.report);
      this.#usable = false;
    }
  }

  #number(word: string, min: number, max: number, set: (value: number) => void): void {
    this.#with((text) => {
      const value = parseInteger(text, { min, max });
      if (value !== null) set(value);
      else this.#skip("invalid-number", `Invalid rule ${word} ${text} specified`, `a number from ${min} to ${max}`);
    });
  }

  #prefix(which: "from" | "to", value: string): void {
    if (value === "all" || value === "any") return;
    const prefix: PrefixPlan | null = parsePrefix(value, 4);
    if (prefix === null) {
      this.#skip("invalid-address", `Invalid rule ${which} address ${value}`);
      return;
    }
    const { family } = prefix.address;
    if (this.#family !== null && this.#family !== family) {
      this.#skip("mixed-families", "rule specification has mixed IPv4 and IPv6");
      return;
    }
    this.#family = family;
    this.#draft[which] = prefix;
  }

  #interface(word: string, name: string): void {
    const place = placeOf(this.#entry, this.#index);
    this.#resolver.checkInterface(name, place, `WARNING - interface ${name} for rule doesn't exist`);
    this.#draft[word === "oif" ? "outputInterface" : "inputInterface"] = name;
  }

  /** `5`, `0x5/0xff` */
  #mark(value: string): void {
    const [text, maskText] = value.split("/");
    const mark = parseNumber(text!, UNSIGNED_MAX);
    const mask = maskText === undefined ? UNSIGNED_MAX : parseNumber(maskText, UNSIGNED_MAX);
    if (mark === null || mask === null) this.#skip("invalid-value", `Invalid rule fwmark ${value}`);
    else this.#draft.fwmark = { mark, mask };
  }

  #range(word: string, value: string, max: number): { first: number; last: number } | null {
    const [low, high] = value.split("-");
    const first = parseInteger(low!, { min: 0, max });
    const last = high === undefined ? null : parseInteger(high, { min: 0, max });
    if (first !== null && last !== null && first <= last) return { first, last };
    this.#fault("invalid-value", `invalid ${word} range ${value}`, "two numbers with a - between them");
    return null;
  }

  #table(value: string): void {
    const table = parseTable(value);
    if (table === null) this.#skip("invalid-value", `Routing table ${value} not found for rule`);
    else {
      this.#draft.table = table;
      this.#hasAction = true;
    }
  }

  #finish(): RuleLine | null {
    const place = placeOf(this.#entry);
    if (!this.#hasAction) {
      this.#resolver.report.fault("missing-action", place, "No action specified for rule - ignoring", {
        expected: "table, goto, blackhole, unreachable or prohibit",
      });
      return null;
    }
    if (this.#draft.action === GOTO && !this.#isGotoRight()) return null;
    this.#draft.family = this.#family ?? 4;
    if (this.#preference === null) {
      this.#preference = this.#resolver.nextRulePreference(this.#draft.family);
      const message = `Rule has no preference specified - setting to ${this.#preference}. This is probably not what you want.`;
      this.#resolver.report.fault("missing-preference", place, message, { hint: "Add preference and a number." });
    }
    this.#draft.preference = this.#preference;
    return { plan: this.#draft, trackGroup: this.#trackGroup };
  }

  /** A rule can only be left for a later one. */
  #isGotoRight(): boolean {
    const { gotoTarget } = this.#draft;
    if (this.#preference !== null && this.#preference < gotoTarget) return true;
    const message =
      this.#preference === null
        ? `Invalid rule - goto target ${gotoTarget} specified without preference`
        : `Invalid rule - preference ${this.#preference} >= goto target ${gotoTarget}`;
    this.#resolver.report.fault("invalid-value", placeOf(this.#entry), message, {
      expected: `preference and a number below ${gotoTarget}`,
    });
    return false;
  }

  #fault(code: string, message: string, expected?: string): void {
    this.#resolver.report.fault(code, placeOf(this.#entry, this.#index), message, { expected });
  }

  #skip(code: string, message: string, expected?: string): void {
    this.#fault(code, message, expected);
    this.#usable = false;
  }
}

/** Decimal or hexadecimal. */
function parseNumber(text: string, max: number): number | null {
  if (/^0[xX][0-9a-fA-F]{1,8}$/.test(text)) {
    const value = Number.parseInt(text, 16);
    return value <= max ? value : null;
  }
  return parseInteger(text, { min: 0, max });
}
