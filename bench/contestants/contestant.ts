// What is compared: a proxy that can be started with a given duty.

/** What the proxy is to do. */
export interface Duty {
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  /** Where its only origin listens on 127.0.0.1. */
  readonly originPort: number;
  readonly mode: "http" | "tcp";
  /** PEM file of certificate and key for TLS with clients, or null: no TLS. */
  readonly certificate: string | null;
  /** Clients may speak HTTP/2. */
  readonly http2: boolean;
  /** UDP port on 127.0.0.1 that gets a line per request, or null: no logging. */
  readonly logPort: number | null;
  /** `http-request` rules that each request passes through. */
  readonly rules: number;
  /** Servers of the backend, all of them the one origin; and how they are balanced. */
  readonly servers: number;
  readonly balance: string;
  /** Clients stay by a cookie, and are counted in a stick-table. */
  readonly sticks: boolean;
  /** Client connections that it must be able to hold. */
  readonly connectionsMax: number;
  /** An empty folder of its own, for its configuration. */
  readonly folder: string;
}

export interface Contestant {
  /** Short and unique: `haproxy 3.2.0`. */
  readonly name: string;
  /** null: it can do this; else why not. */
  refuses(duty: Duty): string | null;
  /** Writes the configuration and returns the command that runs the proxy in the foreground, in one process. */
  command(duty: Duty): string[];
}
