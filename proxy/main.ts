#!/usr/bin/env node
// The program `ringway`: HAProxy's command line. Everything it does is in control/start.ts; what has to happen before any other module is
// loaded happens here.

import { Signals } from "./control/signals.ts";

// First of all, or Node would answer an early SIGUSR1 by opening a debugger port.
const signals = new Signals();

// Stack traces name the TypeScript lines. Only modules that are loaded after this line profit, hence the import below it.
process.setSourceMapsEnabled(true);
const { start } = await import("./control/start.ts");
await start(process.argv.slice(2), signals);
