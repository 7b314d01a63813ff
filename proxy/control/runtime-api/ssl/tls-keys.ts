// `show tls-keys`, `set ssl tls-key`: what session tickets are sealed with (management.txt 9.3). Texts are HAProxy's.

import { TICKET_KEY_BYTES, ticketKeyBytes } from "../../../config/tls-files.ts";
import type { TicketKeysPlan } from "../../../plan/tls.ts";
import type { LiveTlsFiles } from "../../tls/live-files.ts";
import { type Answer, type Command, type CommandCall, failure, message, type RuntimeContext } from "../command.ts";

/** With HAProxy's numbers: the file that was named last is the first. */
function numbered({ ticketKeys }: LiveTlsFiles): TicketKeysPlan[] {
  return [...ticketKeys.values()].reverse();
}

/** `#2` or a file's name; -1: there is no such file. */
function indexOf(files: readonly TicketKeysPlan[], name: string): number {
  const id = /^#(\d+)$/.exec(name);
  if (id === null) return files.findIndex(({ file }) => file === name);
  return Number(id[1]) < files.length ? Number(id[1]) : -1;
}

function show({ args: [wanted] }: CommandCall, { tlsFiles }: RuntimeContext): Answer {
  const files = numbered(tlsFiles);
  if (wanted === undefined)
    return { text: `# id (file)\n${files.map(({ file }, id) => `${id} (${file})\n`).join("")}` };
  const only = wanted === "*" ? null : indexOf(files, wanted);
  if (only === -1) return failure("'show tls-keys' unable to locate referenced filename\n");
  const shown = files.map(({ file, keys }, id) => {
    if (only !== null && only !== id) return "";
    const secrets = keys.map((key, index) => `${id}.${index} ${Buffer.from(key).toString("base64")}\n`);
    return `# ${id} (${file})\n${secrets.join("")}`;
  });
  return { text: `# id secret\n${shown.join("")}` };
}

async function set({ args: [name, base64] }: CommandCall, { tlsFiles }: RuntimeContext): Promise<Answer> {
  if (name === undefined || base64 === undefined)
    return failure("'set ssl tls-key' expects a filename and the new TLS key in base64 encoding.\n");
  const files = numbered(tlsFiles);
  const file = files[indexOf(files, name)];
  if (file === undefined) return failure("'set ssl tls-key' unable to locate referenced filename\n");
  const key = ticketKeyBytes(base64);
  if (key === null) return failure("'set ssl tls-key' received invalid base64 encoded TLS key.\n");
  if (!TICKET_KEY_BYTES.includes(key.length) || key.length !== file.keys[0]!.length)
    return failure("'set ssl tls-key' received a key of wrong size.\n");
  await tlsFiles.rotateTicketKeys(file.file, key);
  return message("TLS ticket key updated!\n");
}

export const TICKET_KEY_COMMANDS: readonly Command[] = [
  {
    ...{ words: ["set", "ssl", "tls-key"], level: "admin", run: set },
    ...{
      usage: "set ssl tls-key [id|file] <key>",
      description: "set the next TLS key for the <id> or <file> listener to <key>",
    },
  },
  {
    ...{ words: ["show", "tls-keys"], level: "operator", run: show },
    ...{
      usage: "show tls-keys [id|*]",
      description: "show tls keys references or dump tls ticket keys when id specified",
    },
  },
];
