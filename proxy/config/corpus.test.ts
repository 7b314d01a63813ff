// Configurations that people run: 42 files from public repositories, which stand beside the checkout (../shared/corpus/haproxy) and are not
// part of it. For each the verdict of `haproxy -c` (2.6) is on record; ours is to be the same, except where the list below says why not.
//
// Where: $CORPUS, otherwise shared/corpus/haproxy in one of the folders above. Without it the test is skipped and says so; with CI=true
// that is a failure.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import { renderDiagnostic } from "../../shared/diagnostic/render.ts";
import { loadConfiguration } from "./load.ts";

/** HAProxy accepts these, we do not yet: they use what is not served, and say so. */
const STRICTER: Readonly<Record<string, RegExp>> = {};

/** The same verdict, but for another reason: HAProxy resolved a name or opened a file where we refuse what is not served yet. */
const OTHER_REASON: Readonly<Record<string, string>> = {
  "002.cfg": "option http-use-proxy-header, above the missing pattern file",
  "008.cfg": "angle brackets cannot be in a host name, so nobody is asked for it",
  "014.cfg": "cookie",
  "022.cfg": "compression, http-request; HAProxy misses the certificate",
  "024.cfg": "redirect; HAProxy misses the certificate",
  "026.cfg": "redirect; HAProxy misses the certificate",
  "038.cfg": "Lua; HAProxy misses the script",
  "040.cfg": "redirect; HAProxy misses the certificate",
  "048.cfg": "http-request, above the missing line feed",
  "068.cfg": "server-template",
  "078.cfg": "cookie, above the missing line feed",
  "080.cfg": "TLS",
};

function findCorpus(): string | null {
  if (process.env.CORPUS !== undefined) return process.env.CORPUS;
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const corpus = join(folder, "shared/corpus/haproxy");
    if (existsSync(join(corpus, "VERDICTS.tsv"))) return corpus;
    if (folder === dirname(folder)) return null;
  }
}

const corpus = findCorpus();
const missing = corpus === null && "no shared/corpus/haproxy above this folder, and no $CORPUS";
if (missing && process.env.CI === "true") t.fail(`CI must have the corpus: ${missing}`);

t.test("verdicts over real configurations", { skip: missing }, async (t) => {
  const rows = readFileSync(join(corpus!, "VERDICTS.tsv"), "utf8").trimEnd().split("\n").slice(1);
  t.equal(rows.length, 42);
  for (const row of rows) {
    const [file, , , status, , , firstAlert] = row.split("\t") as [
      string,
      string,
      string,
      string,
      string,
      string,
      string?,
    ];
    const { plan, diagnostics } = await loadConfiguration({
      files: [join(corpus!, file)],
      environment: {},
      // The record was made where only localhost resolves.
      lookup: async (host) => (host === "localhost" ? "127.0.0.1" : null),
    });
    const alerts = diagnostics.list.filter((one) => one.severity === "alert");
    const shown = alerts.map((one) => renderDiagnostic(one, 1)).join("");
    const reason = STRICTER[file];
    if (reason === undefined) t.equal(alerts.length > 0 ? "1" : "0", status, `${file}: the same verdict`, { shown });
    else t.match(shown, reason, `${file}: stricter than HAProxy`);
    t.equal(plan === null, alerts.length > 0, `${file}: a plan unless there are errors`);
    if (alerts.length > 0 && reason === undefined && OTHER_REASON[file] === undefined) {
      t.equal(`${alerts[0]!.line} ${alerts[0]!.message}`, lineAndMessage(firstAlert!), `${file}: the same first error`);
    }
  }
});

/** `config : parsing [002.cfg:26] : text` as `26 text`. */
function lineAndMessage(alert: string): string {
  const [, line, message] = /^config : (?:parsing )?\[[^:]*:(\d+)\] ?: (.*)$/.exec(alert)!;
  return `${line} ${message}`;
}
