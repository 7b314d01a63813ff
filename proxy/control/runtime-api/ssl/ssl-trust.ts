// `show|new|set|add|commit|abort|del ssl ca-file` and `… crl-file`: what clients' and servers' certificates are judged by (management.txt 9.3). Texts
// are HAProxy's.

import type { LiveTlsFiles, TrustKind } from "../../tls/live-files.ts";
import { type Answer, type Command, type CommandCall, failure, message, type RuntimeContext } from "../command.ts";
import { certificateLines, certificatesIn, derBlocks, revocationLines } from "./certificate-text.ts";

interface Words {
  readonly kind: TrustKind;
  readonly keyword: "ca-file" | "crl-file";
  /** As messages call it. */
  readonly file: "CA file" | "CRL file";
  readonly short: "CA" | "CRL";
  readonly contents: "CAs" | "CRLs";
}

const CA: Words = { kind: "authorities", keyword: "ca-file", file: "CA file", short: "CA", contents: "CAs" };
const CRL: Words = { kind: "revocations", keyword: "crl-file", file: "CRL file", short: "CRL", contents: "CRLs" };

const countOf = (words: Words, pem: Uint8Array): number =>
  derBlocks(pem, words === CA ? "CERTIFICATE" : "X509 CRL").length;

function show(words: Words, { args: [name] }: CommandCall, { tlsFiles }: RuntimeContext): Answer {
  if (name === undefined) return { text: list(words, tlsFiles) };
  const notFound = failure(`Can't display the ${words.file} : Not found!\n`);
  // Shells are easier with a backslash in front of the star.
  const isDraft = /^\\?\*/.test(name);
  const [, file, index] = /^(.*?)(?::([^:/]*))?$/.exec(name.replace(/^\\?\*?\\?/, ""))!;
  const wanted = index === undefined ? 0 : Number(index);
  if (index !== undefined && !(Number.isInteger(wanted) && wanted > 0))
    return failure(`wrong ${words.short} index after colons in '${name}'!\n`);
  const draft = tlsFiles.trustDrafts[words.kind];
  const files = tlsFiles.trust[words.kind];
  if (isDraft ? draft?.file !== file : !files.has(file!)) return notFound;
  const pem = isDraft ? draft!.pem : (files.get(file!)?.pem ?? null);
  const isUsed = tlsFiles.isTrustUsed(words.kind, file!);
  const status = pem === null ? "Empty" : isDraft ? "Uncommitted" : isUsed ? "Used" : "Unused";
  const head = `Filename: ${isDraft ? "*" : ""}${file}\nStatus: ${status}\n`;
  return { text: pem === null ? head : head + details(words, pem, wanted) };
}

/** @param wanted one of them, from 1; 0: all */
function details(words: Words, pem: Uint8Array, wanted: number): string {
  const parts =
    words === CA
      ? certificatesIn(pem).map((each, i) => ` \nCertificate #${i + 1}:\n${certificateLines(each)}`)
      : derBlocks(pem, "X509 CRL").map(
          (der, i) => ` \nCertificate Revocation List #${i + 1}:\n${revocationLines(der)}`,
        );
  return (wanted === 0 ? parts : parts.slice(wanted - 1, wanted)).join("");
}

function list(words: Words, { trust, trustDrafts }: LiveTlsFiles): string {
  const counted = (file: string, pem: Uint8Array | null): string => {
    if (words === CRL) return `${file}\n`;
    return `${file} - ${pem === null ? 0 : countOf(words, pem)} certificate(s)\n`;
  };
  const draft = trustDrafts[words.kind];
  const transaction = draft === null ? "" : `# transaction\n*${counted(draft.file, draft.pem)}`;
  const names = [...trust[words.kind]].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${transaction}# filename\n${names.map(([file, plan]) => counted(file, plan?.pem ?? null)).join("")}`;
}

function create(words: Words, { args: [file] }: CommandCall, { tlsFiles }: RuntimeContext): Answer {
  if (file === undefined) return failure(`'new ssl ${words.keyword}' expects a filename\n`);
  if (tlsFiles.trust[words.kind].has(file)) return failure(`${words.file} '${file}' already exists!\n`);
  tlsFiles.trust[words.kind].set(file, null);
  return message(`New ${words.file} created '${file}'!\n`);
}

/** @param isAddition the payload comes to what is there */
function set(
  words: Words,
  isAddition: boolean,
  { args: [file], payload }: CommandCall,
  { tlsFiles }: RuntimeContext,
): Answer {
  const verb = isAddition ? "add" : "set";
  if (file === undefined || payload === "")
    return failure(`'${verb} ssl ${words.keyword}' expects a filename and ${words.contents} as a payload\n`);
  const refused = (problem: string): Answer => failure(`${problem}Can't update ${file}!\n`);
  const draft = tlsFiles.trustDrafts[words.kind];
  if (draft !== null && draft.file !== file)
    return refused(`The ongoing transaction is about '${draft.file}' but you are trying to set '${file}'\n`);
  if (!tlsFiles.trust[words.kind].has(file))
    return refused(`Can't replace a ${words.file} which is not referenced by the configuration!\n`);
  const added = Buffer.from(payload, "latin1");
  if (countOf(words, added) === 0) return refused("Invalid payload\n");
  const before = isAddition ? (draft?.pem ?? tlsFiles.trust[words.kind].get(file)?.pem ?? null) : null;
  const pem = before === null ? added : Buffer.concat([before, Buffer.from("\n"), added]);
  tlsFiles.trustDrafts[words.kind] = { file, pem };
  return message(`transaction ${draft === null ? "created" : "updated"} for ${words.short} ${file}!\n`);
}

async function commit(words: Words, { args: [file] }: CommandCall, { tlsFiles }: RuntimeContext): Promise<Answer> {
  if (file === undefined) return failure(`'commit ssl ${words.keyword}' expects a filename\n`);
  const refused = (problem: string): Answer => failure(`${problem}Can't commit ${file}!\n`);
  const draft = tlsFiles.trustDrafts[words.kind];
  if (draft === null) return refused("No ongoing transaction! !\n");
  if (draft.file !== file)
    return refused(`The ongoing transaction is about '${draft.file}' but you are trying to set '${file}'\n`);
  const uses = await tlsFiles.replaceTrust(words.kind, draft);
  tlsFiles.trustDrafts[words.kind] = null;
  return { text: `Committing ${file}${".".repeat(uses)}\nSuccess!\n` };
}

function abort(words: Words, { args: [file] }: CommandCall, { tlsFiles }: RuntimeContext): Answer {
  if (file === undefined) return failure(`'abort ssl ${words.keyword}' expects a filename\n`);
  const draft = tlsFiles.trustDrafts[words.kind];
  if (draft === null) return failure("No ongoing transaction!\n");
  if (draft.file !== file)
    return failure(
      `The ongoing transaction is about '${draft.file}' but you are trying to abort a transaction for '${file}'\n`,
    );
  tlsFiles.trustDrafts[words.kind] = null;
  return message(`Transaction aborted for certificate '${file}'!\n`);
}

function remove(words: Words, { args: [file] }: CommandCall, { tlsFiles }: RuntimeContext): Answer {
  if (file === undefined) return failure(`'del ssl ${words.keyword}' expects a ${words.file} name\n`);
  const refused = (problem: string): Answer => failure(`Can't remove the ${words.file}: ${problem}\n`);
  if (tlsFiles.trustDrafts[words.kind]?.file === file)
    return refused(`ongoing transaction for the ${words.file} '${file}'`);
  if (!tlsFiles.trust[words.kind].has(file)) return refused(`${words.file} '${file}' doesn't exist!\n`);
  if (tlsFiles.isTrustUsed(words.kind, file)) return refused(`${words.file} '${file}' in use, can't be deleted!\n`);
  tlsFiles.trust[words.kind].delete(file);
  return message(`${words.file} '${file}' deleted!\n`);
}

function commandsOf(words: Words): Command[] {
  const { keyword, file } = words;
  const command = (
    verb: string,
    usage: string,
    description: string,
    run: (words: Words, call: CommandCall, context: RuntimeContext) => Answer | Promise<Answer>,
    level: Command["level"] = "admin",
  ): Command => ({
    ...{ words: [verb, "ssl", keyword], usage: `${verb} ssl ${keyword} ${usage}`, description, level },
    run: (call, context) => run(words, call, context),
  });
  const short = keyword === "ca-file" ? "cafile" : "crlfile";
  return [
    command("abort", `<${short}>`, `abort a transaction for a ${file}`, abort),
    command("commit", `<${short}>`, `commit a ${file}`, commit),
    command("del", `<${short}>`, `delete an unused ${file}`, remove),
    command("new", `<${short}>`, `create a new ${file} to be used in a crt-list`, create),
    command("set", `<${short}> <payload>`, `replace a ${file}`, (each, call, context) =>
      set(each, false, call, context),
    ),
    command(
      "show",
      `[<${short}>[:<index>]]`,
      `display the SSL ${file}s used in memory, or the details of one`,
      show,
      "operator",
    ),
    ...(keyword === "ca-file"
      ? [
          command("add", `<${short}> <payload>`, `add a certificate into the ${file}`, (each, call, context) =>
            set(each, true, call, context),
          ),
        ]
      : []),
  ];
}

export const TRUST_COMMANDS: readonly Command[] = [...commandsOf(CA), ...commandsOf(CRL)];
