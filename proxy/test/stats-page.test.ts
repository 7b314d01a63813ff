// The statistics page in a real browser: it keeps itself up to date under its own strict policy, servers are drained and brought back from it, and
// descriptions with markup in them stay text.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startBrowser } from "./lab/browser.ts";
import { basics } from "./lab/config.ts";
import { startHttpOrigin } from "./lab/http-origin.ts";
import { findProgram, needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { showStat } from "./lab/runtime-api.ts";
import { until } from "./lab/time.ts";

/** Where pictures go when somebody wants to see them. */
const { RINGWAY_SCREENSHOTS } = process.env;

/** A row of the page by its key; its status is the text of one of its cells. */
const row = (key: string): string => `document.querySelector('tr[data-key="${key}"]')`;
const choose = (server: string, action: string): string => `(() => {
  const form = document.querySelector('section[data-proxy="be"] form');
  form.querySelector('input[value="${server}"]').checked = true;
  form.querySelector("select").value = "${action}";
  form.querySelector("button").click();
})()`;

t.test("drain a server, watch it empty, bring it back", needs("chromium"), async (t) => {
  const origin = await startHttpOrigin(t, {
    handler: (request, response) => {
      if (request.url === "/slow") response.write("begun");
      else response.end("done");
    },
  });
  const [port, api] = await freePorts(2);
  const address = `http://127.0.0.1:${port}/stats`;
  await startProgram(t, {
    config: `${basics(`nbthread 2\nstats socket 127.0.0.1:${api} level admin`)}
frontend page
  bind 127.0.0.1:${port}
  stats enable
  stats uri /stats
  stats refresh 1s
  stats show-desc <b>ours</b>
  stats admin if TRUE
  default_backend be
backend be
  server one 127.0.0.1:${origin.port}
backend other
  description <img src=x onerror=alert(1)>
  server two 127.0.0.1:${origin.port} disabled
`,
  });
  const chromium = findProgram("chromium");
  if (chromium === null) throw new Error("needs() found it");
  const browser = await startBrowser(t, chromium);
  const picture = async (name: string): Promise<void> => {
    if (RINGWAY_SCREENSHOTS !== undefined)
      writeFileSync(join(RINGWAY_SCREENSHOTS, `${name}.png`), await browser.screenshot());
  };
  const client = await connect(t, port);
  client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("the answer begins", () => client.received.includes("begun"));
  await browser.go(address);
  await browser.until("it is live", `document.getElementById("live").textContent === "live"`);
  await browser.until("charts have lines", `document.querySelectorAll("#chart-rate polyline").length === 2`);
  t.equal(await browser.value(`document.querySelectorAll("img, script").length`), 1, "descriptions are no markup");
  t.match(await browser.value(`document.body.textContent`), "<img src=x onerror=alert(1)>");
  const before = await showStat(`127.0.0.1:${api}`);
  t.equal(before.get("be/one")!["scur"], "1");

  await browser.value(choose("one", "drain"));
  await browser.until("the outcome", `document.querySelector('[role="status"]')?.textContent.includes("successfully")`);
  await browser.until("the drain", `${row("be/one")}.className === "server drain"`);
  t.match((await showStat(`127.0.0.1:${api}`)).get("be/one")!["status"], "DRAIN");
  const current = `[...${row("be/one")}.children].at(7).textContent`;
  await browser.until("one session left", `${current} === "1"`);
  await picture("draining");
  client.reset();
  await browser.until("it is empty, without a reload", `${current} === "0"`);
  await browser.until("its history", `document.getElementById("news").textContent.includes("be/one")`);

  await browser.value(choose("one", "ready"));
  await browser.until("it is back", `${row("be/one")}?.className === "server unchecked"`);
  await browser.value(`(() => {
    const filter = document.getElementById("filter");
    filter.value = "two";
    filter.dispatchEvent(new Event("input"));
  })()`);
  t.equal(await browser.value(`document.querySelector('section[data-proxy="be"]').hidden`), true, "filtered away");
  await browser.value(`(() => {
    const theme = document.getElementById("theme");
    theme.value = "dark";
    theme.dispatchEvent(new Event("change"));
  })()`);
  t.match(await browser.value("getComputedStyle(document.body).backgroundColor"), "rgb(20, 24, 28)");
  await browser.size(390, 800);
  await picture("phone-dark");
  const width = await browser.value<number>("document.documentElement.scrollWidth");
  t.ok(width <= 390, `a phone need not scroll sideways (${width})`);
  t.strictSame(browser.complaints, [], "the policy stops nothing that the page needs");
});
