// Connections to servers that speak HTTP/2.
import type { WorkerContext } from "../worker/context.ts";
import type { Http2Connection } from "./connection.ts";

export class Http2Servers {
  readonly #ctx: WorkerContext;
  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
  }
  idle(_connection: Http2Connection): void {}
  goingAway(_connection: Http2Connection): void {}
  refused(_row: number): void {}
  acceptOf(_row: number): Uint8Array | null {
    return this.#ctx === null ? null : null;
  }
}
