// Fetches of rates: be_sess_rate, fe_sess_rate, fe_req_rate, srv_sess_rate. configuration.txt 7.3.2.
//
// The counters of all workers are added up when somebody asks; a second's count begins with what was there at the first question in it, and the
// second before weighs as much as is left of it, as in HAProxy. Who asks with every request, as rules do, gets the same numbers.

import { COUNTER } from "../../shared-state/layout.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import { type FetchCompiler, integerArgument, single } from "./fetch.ts";

const PASS = 2;
const SECOND_MS = 1000;

/** Reads a rate per second of something that only grows. */
class Rate {
  readonly #total: () => number;
  #second = 0;
  #atBegin = 0;
  #previous = 0;
  #last = 0;

  constructor(total: () => number) {
    this.#total = total;
  }

  read(nowMs: number): number {
    const total = this.#total();
    const second = Math.floor(nowMs / SECOND_MS);
    if (second !== this.#second) {
      const follows = second === this.#second + 1;
      this.#previous = follows ? this.#last - this.#atBegin : 0;
      this.#atBegin = follows ? this.#last : Math.max(total - 1, 0);
      this.#second = second;
    }
    this.#last = total;
    const left = 1 - (nowMs - second * SECOND_MS) / SECOND_MS;
    return Math.round(total - this.#atBegin + this.#previous * left);
  }
}

type Row = (ctx: SampleContext, worker: number, index: number) => number;

function rateFetch(row: Row, column: number): FetchCompiler {
  return (ctx, plan) => {
    const index = integerArgument(plan, 0, -1);
    if (index < 0) throw new Error(`fetch ${plan.fetch}: config/ did not resolve its argument`);
    const { counters, nbthread } = ctx.shared;
    const rate = new Rate(() => {
      let total = 0;
      for (let worker = 0; worker < nbthread; worker++) total += counters[row(ctx, worker, index) + column]!;
      return total;
    });
    const { value } = ctx;
    return single(() => {
      value.type = TYPE.sint;
      value.int = rate.read(performance.now());
      return PASS;
    });
  };
}

const frontend: Row = ({ shared }, worker, index) => shared.frontendCountersAt(worker, index);
const backend: Row = ({ shared }, worker, index) => shared.backendCountersAt(worker, index);
const server: Row = ({ shared }, worker, index) => shared.serverCountersAt(worker, index);

/** By canonical name, see fetches.table.ts. */
export const RATE_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  be_sess_rate: rateFetch(backend, COUNTER.sessions),
  fe_req_rate: rateFetch(frontend, COUNTER.requests),
  fe_sess_rate: rateFetch(frontend, COUNTER.sessions),
  srv_sess_rate: rateFetch(server, COUNTER.sessions),
};
