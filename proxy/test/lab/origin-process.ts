// A web server as a process of its own, for namespaces that the test itself is not in: ADDRESS PORT NAME. It says "listening" once
// it is, and answers every request with its name and the X-Forwarded-For that it was given.

import { createServer } from "node:http";

const [address, port, name] = process.argv.slice(2);
createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  response.setHeader("x-server", name!);
  response.end(JSON.stringify({ name, forwardedFor: request.headers["x-forwarded-for"] ?? null }));
}).listen(Number(port), address, () => console.log("listening"));
