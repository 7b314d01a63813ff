// The master's own commands on a master that stands still: the table of processes, rights, and what is not known.

import { connect, createServer, type Server } from "node:net";
import t from "tap";
import type { Teardown } from "../../test/lab/program.ts";
import { command } from "../../test/lab/runtime-api.ts";
import type { Master } from "../master.ts";
import { MasterSession } from "./session.ts";

interface Stood {
  readonly reload: boolean[];
  readonly say: (line: string) => Promise<string>;
  readonly port: number;
}

/** A CLI in front of a master of which only what the commands read is there. */
async function stand(t: Teardown, level: "user" | "operator" | "admin"): Promise<Stood> {
  const reload: boolean[] = [];
  const now = Date.now();
  const generation = (pid: number, reloads: number, state = "serving") => ({
    ...{ pid, state, options: { reloads }, startedAtMs: now - 93_784_000, serving: Promise.resolve(true) },
    connect: async () => null,
  });
  const master = {
    ...{ reloads: 5, failedReloads: 1, lastReloadFailed: true, startupLog: "said\n", startedAtMs: now - 5_000 },
    ...{ current: generation(200, 5), retired: [generation(100, 2)], standby: generation(300, 5, "prepared") },
    reload: async (hard: boolean) => {
      reload.push(hard);
      return { success: !hard, log: "what was said\n" };
    },
  } as unknown as Master;
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => new MasterSession(socket, master, level));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  return { reload, port, say: (line) => command(`127.0.0.1:${port}`, line) };
}

t.test("commands, prefixes and rights", async (t) => {
  const { say, reload } = await stand(t, "admin");
  const lines = (await say("show proc")).split("\n");
  t.match(lines[0], /^#<PID> {10}<type> {10}<reloads> {7}<uptime> {8}<version>$/);
  t.match(lines[1], new RegExp(`^${process.pid} +master +5 \\[failed: 1\\] +0d00h00m05s +\\S+$`));
  t.equal(lines[2], "# workers");
  t.match(lines[3], /^200 {13}worker {10}0 {15}1d02h03m04s {5}\S+$/);
  t.equal(lines[4], "# old workers");
  t.match(lines[5], /^100 {13}worker {10}3 /);
  t.equal(lines[6], "# programs");
  t.notMatch(lines.join(), /standby/);
  t.match(await say("show proc debug"), /# standby \(prepared\)\n300 /);
  t.equal(await say("reload"), "Success=1\n--\nwhat was said\n\n");
  t.equal(await say("hard-reload"), "Success=0\n--\nwhat was said\n\n");
  t.same(reload, [false, true]);
  t.equal(await say("show startup-logs"), "said\n\n");
  t.match(await say("help"), /@<relative pid>[\s\S]*hard-reload/);
  t.match(await say("nonsense"), /^Unknown command: 'nonsense'/);
  t.match(await say("@!4 show info"), /Can't find the target PID matching the prefix '@!4'/);
  t.match(await say("@2 show info"), /Can't find the target PID/);
  t.match(await say("@!100 show info"), /Can't connect to the target CLI/, "found; this one has nothing behind it");
  t.match(await say("@1; @master show version"), /^3\./);
  t.equal(await say("set severity-output loud"), "one of 'none', 'number', 'string' is a required argument\n\n");

  const user = await stand(t, "user");
  t.equal(await user.say("reload"), "Permission denied\n\n");
  t.equal(await user.say("show startup-logs"), "Permission denied\n\n");
  t.match(await user.say("show proc"), /# workers/);
  t.same(user.reload, []);
});

t.test("the prompt says where commands go", async (t) => {
  const { port } = await stand(t, "admin");
  const socket = connect(port, "127.0.0.1");
  let heard = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    heard += text;
  });
  const until = async (text: string): Promise<void> => {
    while (!heard.endsWith(text)) await new Promise((resolve) => socket.once("data", resolve));
  };
  socket.write("prompt\n");
  await until("\nmaster[ReloadFailed]> ");
  socket.write("@1\n");
  await until("\n200> ");
  socket.write("@!100\n");
  await until("\n100> ");
  socket.write("@master\n");
  await until("\nmaster[ReloadFailed]> ");
  socket.write("quit\n");
  await new Promise((resolve) => socket.once("end", resolve));
  socket.destroy();
});
