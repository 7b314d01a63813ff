// A program for the lab: an HTTP server on port 80 that answers with the name of its host, and a UDP server on port 5000 that does so too. It says
// `ready` when it does. /slow takes two seconds, /health is 200 until the file that may be given exists.

import { createSocket } from "node:dgram";
import { existsSync } from "node:fs";
import { createServer } from "node:http";

const [name = "", ill = ""] = process.argv.slice(2);
const server = createServer((request, response) => {
  if (request.url === "/health" && ill !== "" && existsSync(ill)) response.statusCode = 503;
  if (request.url === "/slow") {
    response.write(`${name} `);
    setTimeout(() => response.end(`${name}\n`), 2000);
  } else response.end(`${name}\n`);
});
const datagrams = createSocket("udp4");
datagrams.on("message", (_, { address, port }) => datagrams.send(name, port, address));
datagrams.bind(5000);
server.listen(80, "::", () => process.stdout.write("ready\n"));
