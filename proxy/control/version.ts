// Who we are: the version lines of -v and -vv. Scripts look for "HAProxy version" at the start of the first line and for "TARGET" in the
// build options, so both are there; what follows says honestly that this is ringway and which HAProxy it takes its semantics from.

import { version as kernelVersion, machine, release, type } from "node:os";
import { COMPATIBLE_VERSION, FEATURES } from "../config/features.ts";

export const RINGWAY_VERSION = "0.1.0";
/** As HAProxy writes versions: number, dash, what makes this build different. */
export const VERSION = `${COMPATIBLE_VERSION}-ringway${RINGWAY_VERSION}`;
export const RELEASE_DATE = "2026/11/23";

export const VERSION_LINES: readonly string[] = [
  `HAProxy version ${VERSION} ${RELEASE_DATE} - ringway, HAProxy's language and semantics in TypeScript`,
  "Status: under development; what is not served is refused with an error, never ignored.",
  `Running on: ${type()} ${release()} ${kernelVersion()} ${machine()}`,
];

/** Facts that -vv adds and that are only known at run time. */
export interface RuntimeFacts {
  /** E.g. "io_uring", or "epoll (io_uring: EPERM)". */
  readonly engine: string;
  /** Cores that workers would get by default. */
  readonly threadsDefault: number;
}

export function detailedVersionText(facts: RuntimeFacts): string {
  return `${VERSION_LINES.join("\n")}
Build options :
  TARGET  = linux-node
  CC      = tsc
  OPTIONS = ${Object.keys(FEATURES)
    .filter((name) => FEATURES[name])
    .map((name) => `USE_${name}=1`)
    .join(" ")}

Feature list : ${Object.entries(FEATURES)
    .map(([name, there]) => `${there ? "+" : "-"}${name}`)
    .join(" ")}

Default settings :
  bufsize = 16384, maxrewrite = 1024

Built with multi-threading support (default=${facts.threadsDefault}).
Running on Node.js version : ${process.versions.node} (V8 ${process.versions.v8}, libuv ${process.versions.uv})
Built without TLS support (the Node binary carries OpenSSL ${process.versions["openssl"]}; it is not used yet).
Built with transparent proxy support using: IP_TRANSPARENT IPV6_TRANSPARENT

Reactor engine : ${facts.engine}

Available multiplexer protocols :
         h1 : mode=HTTP  side=FE|BE
       none : mode=TCP   side=FE|BE

Available services : none
Available filters : none

`;
}
