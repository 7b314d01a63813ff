// The environment that a configuration sees: the process's own at the start, then what `setenv` and its kin make of it line by line.
//
// Values are byte strings like all text of the configuration (line.ts). The process's own environment is not touched by it; who starts
// another program passes `entries()` on.

import { COMPATIBLE_BRANCH, COMPATIBLE_VERSION } from "./features.ts";
import {
  HTTP_CLF_LOG_FORMAT,
  HTTP_LOG_FORMAT,
  HTTPS_LOG_FORMAT,
  TCP_CLF_LOG_FORMAT,
  TCP_LOG_FORMAT,
} from "./keywords/log-format.ts";

/** HAProxy's variables that describe the log formats; a configuration may build its own formats on them. */
const LOG_FORMATS: readonly (readonly [string, string])[] = [
  ["HAPROXY_HTTP_LOG_FMT", HTTP_LOG_FORMAT],
  ["HAPROXY_HTTP_CLF_LOG_FMT", HTTP_CLF_LOG_FORMAT],
  ["HAPROXY_HTTPS_LOG_FMT", HTTPS_LOG_FORMAT],
  ["HAPROXY_TCP_LOG_FMT", TCP_LOG_FORMAT],
  ["HAPROXY_TCP_CLF_LOG_FMT", TCP_CLF_LOG_FORMAT],
];

export class Environment {
  readonly #values = new Map<string, string>();
  readonly #initial: ReadonlyMap<string, string>;

  /** @param inherited usually `process.env`. */
  constructor(inherited: Readonly<Record<string, string | undefined>>) {
    for (const [name, value] of Object.entries(inherited)) {
      if (value !== undefined) this.#values.set(toBytes(name), toBytes(value));
    }
    this.#initial = new Map(this.#values);
  }

  /** The value, or null when there is no such variable (an empty one is ""). */
  get(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** `setenv`: sets or replaces. */
  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  /** `presetenv`: sets only what is not there. */
  preset(name: string, value: string): void {
    if (!this.#values.has(name)) this.#values.set(name, value);
  }

  /** `unsetenv`. */
  unset(name: string): void {
    this.#values.delete(name);
  }

  /** `resetenv`: keeps only the named variables; of those, only the ones that exist. */
  reset(keep: readonly string[]): void {
    for (const name of [...this.#values.keys()]) {
      if (!keep.includes(name)) this.#values.delete(name);
    }
  }

  /**
   * Sets what HAProxy itself provides to every configuration (§2.3).
   * @param files the configuration files, in order @param localpeer the -L argument or the host's name
   */
  provide(files: readonly string[], localpeer: string): void {
    this.set("HAPROXY_BRANCH", COMPATIBLE_BRANCH);
    this.set("HAPROXY_STARTUP_VERSION", COMPATIBLE_VERSION);
    this.set("HAPROXY_CFGFILES", files.join(";"));
    this.set("HAPROXY_LOCALPEER", localpeer);
    for (const [name, format] of LOG_FORMATS) this.set(name, format);
  }

  /** Everything that is set now, for `show env` and for programs that are started. */
  entries(): IterableIterator<[string, string]> {
    return this.#values.entries();
  }

  /** What the process was started with. */
  get initial(): ReadonlyMap<string, string> {
    return this.#initial;
  }
}

function toBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
