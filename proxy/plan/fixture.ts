// What `global` comes to when nothing is said, for plans that tests put together by hand.

import { DEFAULT_COMPRESSION_LIMITS } from "./compression.ts";
import type { GlobalPlan } from "./plan.ts";
import { NO_OCSP_UPDATES } from "./tls.ts";

export const GLOBAL: GlobalPlan = {
  ...{
    nbthread: 2,
    maxconn: 0,
    bufsizeBytes: 16384,
    maxrewriteBytes: 1024,
    tls: {
      captureBytes: 0,
      keylog: false,
      sessionBlocks: 0,
      sessionLifetimeS: 300,
      certificates: [],
      authorities: [],
      revocations: [],
      ticketKeys: [],
      issuerChains: [],
      ocspUpdates: NO_OCSP_UPDATES,
      crtBase: "",
    },
    h2: {
      streamsMax: 100,
      windowBytes: 65_535,
      totalStreamsMax: 0,
      offersWebSockets: true,
      serverStreamsMax: 100,
      serverWindowBytes: 65_535,
    },
    maxHeaders: 101,
    logUriBytes: 1023,
    compression: DEFAULT_COMPRESSION_LIMITS,
    rates: { connections: 0, sessions: 0, tls: 0 },
    daemon: false,
  },
  ...{ quiet: false, pidfile: null, chroot: null, user: null, uid: null, group: null, gid: null, node: "here" },
  ...{
    description: null,
    localpeer: "here",
    hardStopAfterMs: 0,
    graceMs: 0,
    spreadChecksPercent: 0,
    maxSpreadChecksMs: 0,
    ulimitN: 0,
    mworkerMaxReloads: 50,
  },
  ...{ stickCounters: 3, httpErrorCodes: [], httpFailCodes: [] },
  ...{ statsSockets: [], statsTimeoutMs: 10_000, statsMaxconn: 10, log: [], logTag: "haproxy" },
  ...{ logSendHostname: null, flags: {} },
};
