// HAProxy's messages about a configuration in the form in which fixtures/statements expects them. For tests only.

import { execFile, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { comparable, FILE_NAME } from "./statements.ts";

/** Version of the program at hand, or null. */
export function versionOf(program: string): string | null {
  const result = spawnSync(program, ["-v"], { encoding: "latin1" });
  return /^HA-?Proxy version ([0-9.]+)/.exec(result.stdout ?? "")?.[1] ?? null;
}

/** What stands around the messages and not in them. */
const FRAME =
  /^(?:config : )?(?:Error\(s\) found|Fatal errors found|haproxy version is|path to executable|Failed to initialize)/;

/** What HAProxy says, each message once. @param folder of this call alone while it runs */
export async function haproxySays(program: string, folder: string, text: string): Promise<string[]> {
  const file = `${folder}/${FILE_NAME}`;
  writeFileSync(file, text, "latin1");
  const options = { encoding: "latin1", env: { PATH: process.env.PATH }, timeout: 20_000 } as const;
  const stderr = await new Promise<string>((resolve) => {
    execFile(program, ["-c", "-f", file], options, (_error, _stdout, output) => resolve(output));
  });
  const messages: string[] = [];
  for (const block of stderr.split(/^(?=\[[A-Z]+\] +\(\d+\) : )/m)) {
    const [, label, body] = /^(\[[A-Z]+\]) +\(\d+\) : ([\s\S]*)$/.exec(block) ?? [];
    if (label === undefined || FRAME.test(body!)) continue;
    messages.push(comparable(`${label} ${withoutIntroduction(body!)}`, folder));
  }
  return [...new Set(messages)];
}

/** `config : parsing [file:line] : text` as `text`. Server lines have the introduction twice. */
function withoutIntroduction(body: string): string {
  let text = body.replace(/^config ?: /, "");
  for (let before = ""; before !== text; ) {
    before = text;
    text = text.replace(/^(?:[Pp]arsing )?\[[^\]]*:\d+\] ?[:;] /, "");
  }
  // Some messages end in a line feed of their own, and then a full stop.
  return text.replace(/\n\.?\n?$/, "");
}

/** HAProxy looks for near words by the letters that follow each other, we by edit distance: which one is proposed may differ. */
export function withoutProposal(message: string): string {
  return message.replace(/[;.,]? ?(?:did|Did) you mean '[^']*' maybe \?\.?$/, "").replace(/\.+$/, "");
}
