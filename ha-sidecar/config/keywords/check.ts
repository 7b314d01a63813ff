// The checks of a real server: TCP_CHECK, HTTP_GET, SSL_GET, SMTP_CHECK, DNS_CHECK, UDP_CHECK, PING_CHECK, MISC_CHECK, BFD_CHECK, FILE_CHECK.
// Each is a section with the common keywords and some of its own. `url { … }`: check-url.ts.

import { type Keyword, readSection, reportExtraWords, type Section } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import {
  boolean,
  deprecated,
  flag,
  integer,
  line,
  parseInteger,
  requireWord,
  SECONDS_MAX,
  text,
  UNSIGNED_MAX,
} from "../values.ts";
import {
  type CheckDraft,
  type CheckKind,
  newCheckDraft,
  newTargetDraft,
  type RealServerDraft,
  type TargetDraft,
} from "../virtual-server-drafts.ts";
import { CHECK_TIMING, CONNECTING, TARGET_KEYWORDS } from "./check-common.ts";
import { URL_KEYWORD } from "./check-url.ts";
import { readScript } from "./script-words.ts";

const NB_GET_RETRY: Keyword<CheckDraft> = line(
  { name: "nb_get_retry", syntax: "<INTEGER>", text: "The old name of retry." },
  (draft, statement, context) => {
    deprecated(statement, "nb_get_retry is deprecated - please use 'retry'", context);
    const word = requireWord(statement, 1, context);
    if (word === null) return;
    const value = parseInteger(word.text, { min: 0, max: UNSIGNED_MAX });
    if (value !== null) draft.timing.retry = value;
    else context.report.fault("invalid-number", word.place, `Invalid nb_get_retry value '${word.text}'`);
  },
);

const HTTP: readonly Keyword<CheckDraft>[] = [
  ...CONNECTING,
  NB_GET_RETRY,
  URL_KEYWORD,
  line(
    {
      name: "http_protocol",
      syntax: "1.0|1.0C|1.1",
      text: "The version in the request; 1.0C is 1.0 with `Connection: close`.",
    },
    (draft, statement, context) => {
      const word = statement.words[1];
      const version = (["1.0", "1.0C", "1.1"] as const).find((candidate) => candidate === word?.text);
      if (version !== undefined) draft.protocol = version;
      else {
        const message =
          word === undefined ? "Missing http_protocol version" : `Invalid http_protocol version ${word.text}`;
        context.report.fault("invalid-value", placeOf(statement, 1), message, { expected: "1.0, 1.0C or 1.1" });
      }
    },
  ),
  boolean(
    {
      name: "fast_recovery",
      text: "All URLs at once after a failure, without delay_loop between them.",
      invalid: (value) => `Invalid fast_recovery parameter ${value}`,
    },
    (draft, value) => {
      draft.fastRecovery = value;
    },
  ),
  boolean(
    {
      name: "enable_sni",
      text: "The virtual host's name in the TLS handshake.",
      invalid: (value) => `Invalid enable_sni parameter ${value}`,
    },
    (draft, value) => {
      draft.enableSni = value;
    },
  ),
];

const SMTP_HOST: Section<TargetDraft> = { name: "host", keywords: TARGET_KEYWORDS };

const SMTP: readonly Keyword<CheckDraft>[] = [
  ...CONNECTING,
  text(
    { name: "helo_name", text: "The name in HELO.", missing: () => "SMTP_CHECK helo name missing" },
    (draft, value) => {
      draft.heloName = value;
    },
  ),
  {
    name: "host",
    syntax: "{ … }",
    text: "Another address of the server to check.",
    effect: "served",
    section: SMTP_HOST,
    takesList: false,
    read(draft, statement, context) {
      const host = newTargetDraft();
      draft.hosts.push(host);
      readSection(SMTP_HOST, host, statement.block!, context);
    },
  },
];

const DNS_TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  RRSIG: 46,
  DNSKEY: 48,
};

const DNS: readonly Keyword<CheckDraft>[] = [
  ...CONNECTING,
  text(
    { name: "type", syntax: Object.keys(DNS_TYPES).join("|"), text: "What is asked for; default SOA." },
    (draft, value, statement, context) => {
      const type = DNS_TYPES[value.toUpperCase()];
      if (type !== undefined) draft.dnsType = type;
      else {
        const details = { expected: Object.keys(DNS_TYPES).join(", ") };
        context.report.fault(
          "invalid-value",
          placeOf(statement, 1),
          `Unknown DNS check type ${value} - ignoring`,
          details,
        );
      }
    },
  ),
  text({ name: "name", text: "The name that is asked for; default the root." }, (draft, value, statement, context) => {
    const hasEmptyLabel = value !== "." && value.replace(/\.$/, "").split(".").includes("");
    // keepalived takes 2.5 for such a name, because it reads a length where the dot stands; ours is the rule of RFC 1035.
    if (!hasEmptyLabel) draft.dnsName = value;
    else
      context.report.fault(
        "invalid-value",
        placeOf(statement, 1),
        `DNS_CHECK name '${value}' has empty label - ignoring`,
      );
  }),
];

/** `Ab12f 3 456`: words of hexadecimal digits, an odd one in front gets a 0. null: something else. X stands for any digit. */
function parseHex(statement: Statement, allowAny: boolean): { bytes: Uint8Array; mask: Uint8Array } | null {
  const words = statement.words.slice(1).map((word) => word.text);
  const pattern = allowAny ? /^[0-9a-fA-FxX]+$/ : /^[0-9a-fA-F]+$/;
  if (!words.every((word) => pattern.test(word))) return null;
  const digits = words.map((word) => (word.length % 2 === 1 ? `0${word}` : word)).join("");
  const pairs = digits.match(/../g) ?? [];
  const bytes = Uint8Array.from(pairs, (pair) => Number.parseInt(pair.replace(/x/gi, "0"), 16));
  const mask = Uint8Array.from(pairs, (pair) => Number.parseInt(pair.replace(/[^xX]/g, "f").replace(/x/gi, "0"), 16));
  return { bytes, mask };
}

function replyLength(name: "min_reply_length" | "max_reply_length"): Keyword<CheckDraft> {
  const shown = name === "min_reply_length" ? "min" : "max";
  const invalid = (value: string) => `UDP_CHECK ${shown} length ${value} not valid - must be between 0 & 65535`;
  return integer(
    { name, min: 0, max: 65535, text: `Bytes of a reply; default ${shown === "min" ? 0 : 255}.`, invalid },
    (draft, value) => {
      draft[shown === "min" ? "minReplyLength" : "maxReplyLength"] = value;
    },
  );
}

const UDP: readonly Keyword<CheckDraft>[] = [
  ...CONNECTING,
  line(
    { name: "payload", syntax: "<HEX> …", text: "What is sent; by default random bytes." },
    (draft, statement, context) => {
      const hex = parseHex(statement, false);
      const message =
        statement.words.length < 2
          ? "UDP_CHECK payload requires a payload"
          : "Invalid hex string for UDP_CHECK payload";
      if (hex === null || statement.words.length < 2)
        context.report.fault("invalid-value", placeOf(statement, 1), message);
      else draft.payload = hex.bytes;
    },
  ),
  line(
    {
      name: "require_reply",
      syntax: "[<HEX> …]",
      text: "There must be a reply, beginning with these bytes; X stands for any digit.",
    },
    (draft, statement, context) => {
      const hex = parseHex(statement, true);
      draft.requireReply = true;
      if (hex === null)
        context.report.fault("invalid-value", placeOf(statement, 1), "Invalid hex string for UDP_CHECK reply");
      else draft.reply = hex.bytes.length > 0 ? hex : null;
    },
  ),
  replyLength("min_reply_length"),
  replyLength("max_reply_length"),
];

const MISC: readonly Keyword<CheckDraft>[] = [
  line(
    { name: "misc_path", syntax: "<COMMAND>", text: "The command that is run; exit status 0 is success." },
    (draft, statement, context) => {
      if (statement.words.length > 1) draft.script = readScript(statement, context);
    },
  ),
  integer(
    {
      name: "misc_timeout",
      min: 0,
      max: SECONDS_MAX,
      text: "Seconds it may take; default: delay_loop.",
      invalid: (value) => `Invalid misc_timeout value '${value}'`,
    },
    (draft, value) => {
      draft.scriptTimeoutMs = value * 1000;
    },
  ),
  flag(
    { name: "misc_dynamic", text: "An exit status from 2 to 255 sets the weight to the status less 2." },
    (draft) => {
      draft.dynamicWeight = true;
    },
  ),
  line({ name: "user", syntax: "<USER> [<GROUP>]", text: "Who it runs as." }, (draft, statement, context) => {
    const [, user, group] = statement.words;
    if (user !== undefined) draft.scriptUser = { user: user.text, group: group?.text ?? null };
    else {
      const message = `No user specified for misc checker script '${draft.script?.text ?? ""}'`;
      context.report.fault("missing-parameter", placeOf(statement, 1), message);
    }
  }),
  ...CHECK_TIMING,
];

const BFD: readonly Keyword<CheckDraft>[] = [
  line({ name: "name", syntax: "<BFD>", text: "The bfd_instance that must be up." }, (draft, statement) => {
    draft.reference = statement.words.length === 2 ? statement.words[1]!.text : null;
  }),
  ...CHECK_TIMING.filter((keyword) => keyword.name === "alpha"),
];

const FILE: readonly Keyword<CheckDraft>[] = [
  text({ name: "track_file", syntax: "<FILE>", text: "The track_file whose number counts." }, (draft, value) => {
    draft.reference = value;
  }),
  line(
    { name: "weight", syntax: "<INTEGER> [reverse]", text: "What the number is multiplied with." },
    (draft, statement, context) => {
      const [, word, option] = statement.words;
      const value = parseInteger(word?.text ?? "", { min: -2147483647, max: 2147483647 });
      const message =
        word === undefined
          ? "track file weight missing"
          : "weight for track file must be in [-2147483647..2147483647] inclusive. Ignoring...";
      if (value === null) context.report.fault("invalid-number", placeOf(statement, 1), message);
      else draft.weight = value;
      draft.reverse = option?.text === "reverse";
    },
  ),
  flag({ name: "dynamic", since: "2.2.8", text: "The number changes the server's weight." }, (draft) => {
    draft.dynamicWeight = true;
  }),
];

const CHECKS: readonly {
  readonly name: string;
  readonly kind: CheckKind;
  readonly keywords: readonly Keyword<CheckDraft>[];
  readonly text: string;
}[] = [
  { name: "TCP_CHECK", kind: "tcp", keywords: CONNECTING, text: "A connection is accepted." },
  { name: "HTTP_GET", kind: "http", keywords: HTTP, text: "URLs are answered as expected." },
  { name: "SSL_GET", kind: "https", keywords: HTTP, text: "The same over TLS." },
  { name: "SMTP_CHECK", kind: "smtp", keywords: SMTP, text: "A mail server greets and takes a HELO." },
  { name: "DNS_CHECK", kind: "dns", keywords: DNS, text: "A name server answers." },
  { name: "UDP_CHECK", kind: "udp", keywords: UDP, text: "A datagram is not refused, or is answered." },
  { name: "PING_CHECK", kind: "ping", keywords: CONNECTING, text: "An ICMP echo is answered." },
  { name: "MISC_CHECK", kind: "misc", keywords: MISC, text: "A command succeeds." },
  { name: "BFD_CHECK", kind: "bfd", keywords: BFD, text: "A BFD session is up." },
  { name: "FILE_CHECK", kind: "file", keywords: FILE, text: "A file's number is 0, or changes the weight." },
];

export const CHECK_KEYWORDS: readonly Keyword<RealServerDraft>[] = CHECKS.map(
  ({ name, kind, keywords, text: about }) => {
    const section: Section<CheckDraft> = { name, keywords };
    return {
      name,
      syntax: "{ … }",
      text: about,
      effect: "served",
      section,
      takesList: false,
      read(draft, statement, context) {
        reportExtraWords(statement, context);
        const check = newCheckDraft(kind, placeOf(statement));
        readSection(section, check, statement.block!, context);
        draft.checks.push(check);
      },
    };
  },
);
