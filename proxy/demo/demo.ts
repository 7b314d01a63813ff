// `make run`: the proxy with something behind it, for a first look. Two small origins live in this process; the proxy is the real program,
// started with demo.cfg, and gets their ports through its environment. Ctrl-C reaches both (one process group) and ends everything.

import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { fileURLToPath } from "node:url";

const CONFIGURATION = fileURLToPath(new URL("../../../proxy/demo/demo.cfg", import.meta.url));
const PROXY = fileURLToPath(new URL("../main.js", import.meta.url));

/** demo.cfg has the same variables and defaults. */
const FRONT = Number(process.env["DEMO_FRONT"] ?? 8080);
const STATS = Number(process.env["DEMO_STATS"] ?? 8404);

const WELCOME = `
  Look here:
    curl -i http://127.0.0.1:${FRONT}/        answered by two origins in turns
    curl -i http://127.0.0.1:${FRONT}/one     always by the first
    http://127.0.0.1:${STATS}/                what the proxy counts
  The configuration is proxy/demo/demo.cfg; run your own with: make run CONFIG=/path/to/haproxy.cfg
  Ctrl-C ends all of it.

`;

/** How often it is tried whether the proxy answers. */
const TRY_MS = 50;

const [first, second] = await Promise.all([startOrigin("origin1"), startOrigin("origin2")]);
const proxy = spawn(process.execPath, [PROXY, "-db", "-f", CONFIGURATION], {
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...process.env, DEMO_ORIGIN_1: String(first), DEMO_ORIGIN_2: String(second) },
});
// A terminal's Ctrl-C has reached the proxy as well; a signal to this process alone is passed on.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => proxy.kill(signal));
proxy.on("exit", (status) => process.exit(status ?? 0));
while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, TRY_MS));
process.stdout.write(WELCOME);

/** Whether the proxy accepts connections; if it cannot start, its exit ends us. */
function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(FRONT, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** An origin that tells who it is and what reached it. @returns its port */
async function startOrigin(name: string): Promise<number> {
  const server = createServer((request, response) => {
    const client = request.headers["x-forwarded-for"] ?? "nobody";
    const body = `${name} answers ${request.method} ${request.url} for ${client}\n`;
    response.writeHead(200, { "content-type": "text/plain", "x-origin": name });
    response.end(request.url === "/health" ? "fine\n" : body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
