// What `make run` starts: the demo's proxy with its two origins, and that one signal ends all of it.

import { spawn } from "node:child_process";
import { join } from "node:path";
import t from "tap";
import { get } from "./lab/http-origin.ts";
import { freePorts, listeningPorts } from "./lab/ports.ts";
import { Program, REPOSITORY } from "./lab/program.ts";
import { until } from "./lab/time.ts";

t.test("the demo serves two origins and a statistics page, and ends with Ctrl-C", async (t) => {
  const [front, stats] = await freePorts(2);
  const child = spawn(process.execPath, [join(REPOSITORY, "dist/proxy/demo/demo.js")], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, DEMO_FRONT: String(front), DEMO_STATS: String(stats) },
  });
  const demo = new Program(child, "");
  t.teardown(() => demo.stop("SIGINT"));
  await until("the demo says where to look", () => demo.stdout.includes("Look here"));
  t.match(demo.stdout, `curl -i http://127.0.0.1:${front}/ `);

  const names = new Set<unknown>();
  for (let i = 0; i < 4; i++) names.add((await get(front!)).headers["x-origin"]);
  t.same([...names].sort(), ["origin1", "origin2"]);
  for (let i = 0; i < 2; i++) t.equal((await get(front!, "/one")).headers["x-origin"], "origin1");
  t.match((await get(front!)).body, /answers GET \/ for 127\.0\.0\.1\n$/, "option forwardfor");
  const page = await get(stats!, "/");
  t.equal(page.status, 200);
  t.match(page.body, /first_only/);
  await until("requests are logged", () => /demo origins\/origin[12] .* 200 .*"GET \/ HTTP\/1\.1"/.test(demo.stdout));

  await demo.stop("SIGINT");
  t.notOk(listeningPorts().has(front!), "the proxy is gone with it");
});
