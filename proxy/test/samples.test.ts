// Samples that need connections, bodies and times: what rules see of them. The expectations hold for HAProxy as well.

import t from "tap";
import { basics } from "./lab/config.ts";
import { startHttpOrigin } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";

t.setTimeout(60_000);

const origin = await startHttpOrigin(t, {
  handler: (_, response) => {
    response.setHeader("x-from", "origin");
    response.end("0123456789");
  },
});

/** What is asked, and what comes out: of a request with a body of `a=1&B=2&a=3`, and of the answer to it. */
const REQUEST: readonly (readonly [expression: string, expected: string | RegExp])[] = [
  ["req.body", "a=1&B=2&a=3"],
  ["req.body_len", "11"],
  ["req.body_param(a)", "1"],
  ["req.body_param(b,i)", "2"],
  ["req.body_param(b)", ""],
  ["req.hdrs,length", /^\d\d+$/],
  ["req.hdrs_bin,bytes(0,5),hex", "04686F7374"],
  ["http_first_req", "1"],
  ["src_is_local", "1"],
  ["dst_is_local", "1"],
  ["fc_src", "127.0.0.1"],
  ["fc_dst_port", /^\d+$/],
  ["fc_http_major", "1"],
  ["fc_rtt(us)", /^\d+$/],
  ["fc_unacked", /^\d+$/],
  ["fc_err", "0"],
  ["dst_conn", "1"],
  ["req.timer.hdr", /^\d+$/],
  ["req.timer.tq", /^\d+$/],
  ["accept_date(ms)", /^1\d{12}$/],
  ["request_date", /^1\d{9}$/],
  ["fe_sess_rate", /^[12]$/],
  ["acl(is_post,!is_get)", "1"],
  ["acl(TRUE)", "1"],
  ["str(x),when(!stopping)", "x"],
  ["str(x),when(stopping)", ""],
  ["str(x),when(acl,is_post)", "x"],
  ["str(x),when(!acl,is_post)", ""],
  ["int(5),add(txn.seven)", "12"],
  ["str(a),concat(<,txn.seven,>)", "a<7>"],
  ["str(7),strcmp(txn.seven)", "0"],
];
const RESPONSE: readonly (readonly [expression: string, expected: string | RegExp])[] = [
  ["bc_dst", "127.0.0.1"],
  ["bc_dst_port", String(origin.port)],
  ["bc_src", "127.0.0.1"],
  ["bc_rtt(us)", /^\d+$/],
  ["bc_http_major", "1"],
  ["bc.timer.connect", /^\d+$/],
  ["res.timer.hdr", /^\d+$/],
  ["req.timer.queue", /^\d+$/],
  ["res.body_size", "10"],
  ["res.hdrs,length", /^\d\d+$/],
];

const [http, tcp, silent] = await freePorts(3);
const set = (verb: string, rows: typeof REQUEST): string =>
  rows.map(([expression], i) => `  ${verb} set-header ${verb[5]}${i} "<%[${expression}]>"`).join("\n");
await startProgram(t, {
  config: `${basics("nbthread 2", "option http-buffer-request")}
frontend http
  bind 127.0.0.1:${http}
  acl is_post method POST
  acl is_get method GET
  http-request set-var(txn.seven) int(7)
${REQUEST.map(([expression], i) => `  http-request set-var-fmt(txn.q${i}) "<%[${expression}]>"`).join("\n")}
${REQUEST.map((_, i) => `  http-response set-header q${i} %[var(txn.q${i})]`).join("\n")}
${set("http-response", RESPONSE)}
  default_backend origin
backend origin
  server s 127.0.0.1:${origin.port}
frontend tcp
  mode tcp
  bind 127.0.0.1:${tcp}
  tcp-request inspect-delay 3s
  tcp-request content reject unless { req.payload(0,4) -m bin 474f2121 }
  tcp-request content accept if { req.len gt 8 }
  tcp-request content reject if { req.len gt 0 } WAIT_END
  default_backend echo
backend echo
  mode tcp
  server s 127.0.0.1:${origin.port}
frontend silent
  mode tcp
  bind 127.0.0.1:${silent}
  tcp-request inspect-delay 300ms
  tcp-request content reject if { req.payload_lv(0,1) -m str secret }
  default_backend echo
`,
});

async function exchange(body: string): Promise<Record<string, string>> {
  const client = await connect(t, http!);
  client.send(`POST / HTTP/1.1\r\nHost: h\r\n${body}`);
  const { headers } = await client.response();
  client.destroy();
  return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
}

for (const [name, body] of [
  ["Content-Length", "Content-Length: 11\r\n\r\na=1&B=2&a=3"],
  ["chunks", "Transfer-Encoding: chunked\r\n\r\n5\r\na=1&B\r\n6;x\r\n=2&a=3\r\n0\r\n\r\n"],
] as const) {
  t.test(`a request and its answer, body by ${name}`, async (t) => {
    const found = await exchange(body);
    for (const [prefix, rows] of [
      ["q", REQUEST],
      ["r", RESPONSE],
    ] as const) {
      for (const [i, [expression, expected]] of rows.entries()) {
        const value = found[`${prefix}${i}`]?.slice(1, -1);
        if (typeof expected === "string") t.equal(value, expected, expression);
        else t.match(value, expected, expression);
      }
    }
  });
}

t.test("conditions on bytes wait for what may still come", async (t) => {
  const slow = await connect(t, tcp!);
  for (const piece of ["G", "O!", "! HTTP", "/1.1\r\n\r\n"]) {
    slow.send(piece);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.match((await slow.response()).status, 400, "the origin has seen it all");
  slow.destroy();
  const wrong = await connect(t, tcp!);
  wrong.send("NO!!");
  t.equal(await wrong.closed(), "", "as soon as it cannot match any more it is rejected");
  const lv = await connect(t, silent!);
  lv.send("\x06sec");
  lv.send("ret");
  t.equal(await lv.closed(), "", "a length and what it says");
});
