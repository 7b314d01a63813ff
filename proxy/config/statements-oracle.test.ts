// HAProxy as the judge of fixtures/statements: 3.2 says the same words; older ones, whose words differ, come to the same verdict.
//
// Which HAProxy: $HAPROXY, otherwise `haproxy` of the system. Without one the test is skipped and says so; with CI=true that is a failure.
// Cases that HAProxy is meant to judge otherwise carry their reason (`ours: …`), cases whose verdict is new in 3.2 too.

import t from "tap";
import { readStatements } from "./statements.ts";
import { haproxySays, versionOf, withoutProposal } from "./statements-oracle.ts";

const HAPROXY = process.env.HAPROXY ?? "haproxy";
const version = versionOf(HAPROXY);
const missing = version === null && `${HAPROXY} does not run`;
if (missing && process.env.CI === "true") t.fail(`CI must have HAProxy to compare with: ${missing}`);

// Seven hundred processes take their time on a busy machine.
t.setTimeout(240_000);

/** Processes at a time; each statement takes one of its own. */
const LANES = 3;

t.test("HAProxy agrees", { skip: missing }, async (t) => {
  t.comment(`compared with HAProxy ${version}`);
  const is32 = version!.startsWith("3.2");
  const cases = [...readStatements()].flatMap(([file, list]) => list.map((one) => ({ file, ...one })));
  const waiting = cases.filter((one) => one.ours === null && (is32 || one.only32 === null)).values();
  const folder = t.testdir(Object.fromEntries(Array.from({ length: LANES }, (_, lane) => [`lane${lane}`, {}])));
  const runLane = async (lane: number): Promise<void> => {
    // The lanes share one iterator: whoever is done takes the next case.
    for (const { file, statement, text, expected } of waiting) {
      const says = await haproxySays(HAPROXY, `${folder}/lane${lane}`, text);
      const words = [...new Set(expected)].map(withoutProposal);
      const title = `${file}: ${statement}`;
      if (is32) t.same(words, says.map(withoutProposal), title);
      else t.equal(isRefused(expected), isRefused(says), `${title}: verdict`, { says });
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(lane)));
});

function isRefused(messages: readonly string[]): boolean {
  return messages.some((message) => message.startsWith("[ALERT]"));
}
