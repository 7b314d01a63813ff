// The statistics page's form as browsers send it: the fields often come in a packet of their own, behind the head.

import t from "tap";
import { basics } from "./lab/config.ts";
import { header } from "./lab/http-message.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { showStat } from "./lab/runtime-api.ts";
import { sleep } from "./lab/time.ts";

t.test("fields that come after the head, in pieces", async (t) => {
  const [port, api, server] = await freePorts(3);
  await startProgram(t, {
    config: `${basics(`nbthread 1\nstats socket 127.0.0.1:${api} level admin`)}
frontend page
  bind 127.0.0.1:${port}
  stats enable
  stats uri /stats
  stats admin if TRUE
backend be
  server one 127.0.0.1:${server}
`,
  });
  const client = await connect(t, port);
  client.send("GET /stats HTTP/1.1\r\nHost: a\r\n\r\n");
  const page = await client.response();
  const backend = /name="?b"? value="?#(\d+)/.exec(page.body)?.[1];
  t.ok(backend, "the page has a form for the backend");

  const fields = `s=one&action=maint&b=%23${backend}`;
  client.send(
    `POST /stats HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${fields.length}\r\n\r\n`,
  );
  for (const piece of [fields.slice(0, 4), fields.slice(4, 9), fields.slice(9)]) {
    await sleep(20);
    client.send(piece);
  }
  t.match(await client.response(), { status: 303 });
  t.match((await showStat(`127.0.0.1:${api}`)).get("be/one")!.status, "MAINT");

  const large = await connect(t, port);
  large.send("POST /stats HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n");
  await sleep(20);
  large.send("x".repeat(40_000));
  const refused = await large.response();
  t.equal(refused.status, 303);
  t.equal(header(refused, "location"), "/stats;st=EXCD", "more than a buffer is refused");
});
