// A program for the lab: answers UDP packets on port 7000 of any address, with the name of its host. It says `ready` when it does.
// Both families are answered through one socket.

import { createSocket } from "node:dgram";
import { goFirst } from "./priority.ts";

goFirst();
const name = process.argv[2]!;
const socket = createSocket({ type: "udp6", ipv6Only: false });
socket.on("message", (message, { address, port }) =>
  socket.send(`${name} ${message.toString("latin1")}`, port, address),
);
socket.bind(7000, "::", () => process.stdout.write("ready\n"));
