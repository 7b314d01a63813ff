// Files of keys for session tickets, in HAProxy's words where something is wrong with them.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import t from "tap";
import { loadTicketKeys } from "./tls-files.ts";

const key = (bytes: number): string => randomBytes(bytes).toString("base64");

t.test("the last three count", (t) => {
  const keys = [key(48), key(48), key(48), key(48)];
  const folder = t.testdir({
    unix: `${keys.join("\n")}\n`,
    dos: keys.join("\r\n"),
    large: [key(80), key(80), key(80)].join("\n"),
  });
  for (const name of ["unix", "dos"]) {
    const loaded = loadTicketKeys(join(folder, name));
    t.same(loaded.ok && loaded.value.keys.map((each) => Buffer.from(each).toString("base64")), keys.slice(1), name);
  }
  t.ok(loadTicketKeys(join(folder, "large")).ok);
  t.end();
});

t.test("what is wrong", (t) => {
  const good = [key(48), key(48)];
  const cases: Record<string, [text: string, problem: string]> = {
    short: [good.join("\n"), "please supply at least 3 keys in the tls-tickets-file"],
    mixed: [[...good, key(80)].join("\n"), "wrong sized key on line 3"],
    wrong: [[...good, key(32)].join("\n"), "wrong sized key on line 3"],
    rubbish: [[...good, "????"].join("\n"), "unable to decode base64 key on line 3"],
    empty: ["", "please supply at least 3 keys in the tls-tickets-file"],
  };
  const folder = t.testdir(Object.fromEntries(Object.entries(cases).map(([name, [text]]) => [name, text])));
  for (const [name, [, problem]] of Object.entries(cases)) {
    const file = join(folder, name);
    t.same(loadTicketKeys(file), { ok: false, problem: `'${file}' : ${problem}` });
  }
  const missing = join(folder, "missing");
  t.same(loadTicketKeys(missing), { ok: false, problem: `'${missing}' : unable to load ssl tickets keys file` });
  t.end();
});
