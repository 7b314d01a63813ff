// Manual pages: roff that nothing in the texts can break, and the files that go with it.

import { spawnSync } from "node:child_process";
import t from "tap";
import { definitions, fromMarkdown, literal, renderManPage } from "./man.ts";

t.test("texts cannot break the page", async (t) => {
  const page = renderManPage({
    ...{ name: "x", section: 8, purpose: "a \\ test - of" },
    parts: [
      ["things", definitions([['-f "file"', ".not a request\n'nor this"]])],
      ["as is", literal("a\\b\n.c\n")],
      [
        "tables",
        fromMarkdown(
          "# T\n\n## A part\n\n| keyword | |\n| --- | --- |\n| [`maxconn`](http://x) | `<n>` \\| **ours** |\n\n- one\n",
        ),
      ],
    ],
  });
  t.match(page, '.B "\\-f \\(dqfile\\(dq"');
  t.match(page, "\\&.not a request\n\\&'nor this");
  t.match(page, "a\\eb\n\\&.c");
  t.match(page, '.SH A PART\n.TP\n.B "maxconn"\n<n> | ours\n.IP \\(bu 2\none');
  const groff = spawnSync("groff", ["-man", "-Tutf8", "-ww"], { input: page, encoding: "utf8" });
  if (groff.error !== undefined) t.comment("SKIPPED: groff is not installed");
  else t.equal(groff.stderr, "", "groff has nothing to complain about");
});
