// The variables of a worker (configuration.txt 2.8): which number a name has in its scope, and where its value is.
//
//   proc   one for all threads                     proc-variables.ts, in the shared state
//   sess   a client's connection                   from the first rule that sets one to the end of the connection
//   txn    a stream                                to its end
//   req    the way of the request, until the       to the response's arrival; `req` and `res` are never there together
//   res    response is there; then of the response to the stream's end
//
// Names get their numbers while expressions and rules are compiled, so that at run time a variable is an index. Sets are made when a stream or a
// connection first needs them, and kept.

import type { VariableCondition, VariablesPlan } from "../plan/variables.ts";
import { TYPE } from "../sample/types.ts";
import type { SampleValue } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import { parseVariableName } from "./name.ts";
import type { ProcVariables } from "./proc-variables.ts";
import { ABSENT, UNSET, VARIABLE_BYTES, VariableSet } from "./variable-set.ts";

const SINT = TYPE.sint;
const IPV6 = TYPE.ipv6;
const STR = TYPE.str;
const METH = TYPE.meth;

/** Numbers of scopes, for the hot path. */
export const SCOPE = { proc: 0, sess: 1, txn: 2, req: 3, res: 4, none: 5 } as const;
const PROC = SCOPE.proc;
const SESS = SCOPE.sess;
const TXN = SCOPE.txn;
const REQ = SCOPE.req;
const RES = SCOPE.res;

/** Bits of the conditions under which a variable is set. */
const CONDITION: Readonly<Record<VariableCondition, number>> = {
  ...{ ifexists: 1, ifnotexists: 2, ifempty: 4, ifnotempty: 8, ifset: 16, ifnotset: 32, ifgt: 64, iflt: 128 },
};
const { ifexists, ifnotexists, ifempty, ifnotempty, ifset, ifnotset, ifgt, iflt } = CONDITION;

/** Variables of a stream: kept from life to life of the Stream object. */
export class StreamVariables {
  readonly txn: VariableSet;
  readonly req: VariableSet;
  readonly res: VariableSet;

  constructor(counts: readonly number[]) {
    this.txn = new VariableSet(counts[TXN]!);
    this.req = new VariableSet(counts[REQ]!);
    this.res = new VariableSet(counts[RES]!);
  }
}

/** A variable as an expression or a rule has it. */
export interface Variable {
  /** SCOPE number. */
  readonly scope: number;
  readonly index: number;
}

export class Variables {
  readonly #names: readonly Map<string, number>[];
  readonly #proc: ProcVariables;
  readonly #limits: VariablesPlan["limits"];
  /** By the client's connection. */
  readonly #sessions: (VariableSet | null)[] = [];
  readonly #spareSessions: VariableSet[] = [];
  readonly #carrier: Int32Array;
  /** Health checks evaluate here: what they call `check.x` has the place of a stream's variables. Set before anything is compiled. */
  hasChecks = false;

  /** @param carrier of streams of HTTP/2, the connection that they share (Connections.carrier) */
  constructor(plan: VariablesPlan, proc: ProcVariables, carrier: Int32Array) {
    this.#carrier = carrier;
    this.#names = [new Map(plan.proc.map((name, index) => [name, index])), new Map(), new Map(), new Map(), new Map()];
    this.#proc = proc;
    this.#limits = plan.limits;
  }

  /** While compiling: the variable of that name. @throws when config/ let pass what is none (a bug) */
  find(text: string): Variable {
    const parsed = parseVariableName(text);
    if (typeof parsed === "string") throw new Error(`config/ let the variable name "${text}" pass: ${parsed}`);
    const isCheck = parsed.scope === "check";
    if (parsed.ofParent || (isCheck && !this.hasChecks)) return { scope: SCOPE.none, index: 0 };
    const scope = parsed.scope === "check" ? TXN : SCOPE[parsed.scope];
    const names = this.#names[scope]!;
    const name = isCheck ? `check.${parsed.name}` : parsed.name;
    let index = names.get(name);
    if (index === undefined) {
      index = names.size;
      names.set(name, index);
    }
    return { scope, index };
  }

  /** At run time: the variable of that name, if anything that was compiled names it; else null. */
  known(scope: keyof typeof SCOPE, name: string): Variable | null {
    const index = this.#names[SCOPE[scope]]?.get(name);
    return index === undefined ? null : { scope: SCOPE[scope], index };
  }

  /** The set that holds the variable; `makes`: one is made where there is none. */
  #setOf(scope: number, stream: Stream, makes: boolean): VariableSet | null {
    if (scope === SESS) return this.#session(this.#carrier[stream.client]!, makes);
    let variables = stream.variables;
    if (variables === null) {
      // A connection that has no stream yet has none of these.
      if (!makes || stream.slot < 0) return null;
      variables = stream.variables = new StreamVariables(this.#names.map((names) => names.size));
    }
    if (scope === TXN) return variables.txn;
    if (stream.inResponse) return scope === RES ? variables.res : null;
    return scope === REQ ? variables.req : null;
  }

  #session(slot: number, makes: boolean): VariableSet | null {
    const set = this.#sessions[slot] ?? null;
    if (set !== null || !makes) return set;
    const made = this.#spareSessions.pop() ?? new VariableSet(this.#names[SESS]!.size);
    this.#sessions[slot] = made;
    return made;
  }

  /** Gives the variable's value to `value`. False: it has none. */
  get({ scope, index }: Variable, stream: Stream, value: SampleValue): boolean {
    if (scope === PROC) return this.#proc.get(index, value);
    if (scope > RES) return false;
    return this.#setOf(scope, stream, false)?.get(index, value) ?? false;
  }

  /** Sets the variable to `value`, when the conditions (bits, see `conditionsOf`) hold and there is room for it. */
  set({ scope, index }: Variable, stream: Stream, value: SampleValue, conditions: number): boolean {
    if (scope > RES) return false;
    const set = scope === PROC ? null : this.#setOf(scope, stream, true);
    if (set === null && scope !== PROC) return false;
    if (conditions !== 0 && !this.#holds(conditions, set, index, value)) return false;
    if (set === null) return this.#proc.set(index, value);
    const grows = VARIABLE_BYTES + (value.type > IPV6 ? value.end - value.start : 0) - set.sizeOf(index);
    if (!this.#fits(scope, stream, grows)) return false;
    set.set(index, value);
    return true;
  }

  #holds(conditions: number, set: VariableSet | null, index: number, value: SampleValue): boolean {
    const type = set === null ? this.#proc.typeOf(index) : set.types[index]!;
    if ((conditions & ifexists) !== 0 && type === ABSENT) return false;
    if ((conditions & ifnotexists) !== 0 && type !== ABSENT) return false;
    if ((conditions & ifset) !== 0 && (type === ABSENT || type === UNSET)) return false;
    if ((conditions & ifnotset) !== 0 && type >= 0) return false;
    const isEmpty = value.type >= STR && value.type !== METH && value.end === value.start;
    if ((conditions & ifempty) !== 0 && !isEmpty) return false;
    if ((conditions & ifnotempty) !== 0 && isEmpty) return false;
    if ((conditions & (ifgt | iflt)) === 0) return true;
    // What cannot be compared holds, as in HAProxy.
    if (type !== SINT || value.type !== SINT) return true;
    const now = set === null ? this.#procInteger(index, value) : set.ints[index]!;
    // As HAProxy has it: the variable's content is compared with the new value.
    if ((conditions & ifgt) !== 0 && !(now > value.int)) return false;
    return (conditions & iflt) === 0 || now < value.int;
  }

  /** The integer of a `proc` variable, while `value` keeps its own. */
  #procInteger(index: number, value: SampleValue): number {
    const { type, int, high, low } = value;
    const now = this.#proc.get(index, value) ? value.int : Number.NaN;
    value.type = type;
    value.int = int;
    value.high = high;
    value.low = low;
    return now;
  }

  #fits(scope: number, stream: Stream, grows: number): boolean {
    const { reqres, txn, sess, global } = this.#limits;
    if (grows <= 0 || reqres + txn + sess + global === 0) return true;
    const variables = stream.variables;
    const narrow = variables === null ? 0 : variables.req.size + variables.res.size;
    const transaction = narrow + (variables?.txn.size ?? 0);
    const session = transaction + (this.#sessions[stream.client]?.size ?? 0);
    if (scope >= REQ && reqres > 0 && narrow + grows > reqres) return false;
    if (scope >= TXN && txn > 0 && transaction + grows > txn) return false;
    if (sess > 0 && session + grows > sess) return false;
    return global === 0 || session + grows <= global;
  }

  unset({ scope, index }: Variable, stream: Stream): void {
    if (scope === PROC) this.#proc.unset(index);
    else if (scope <= RES) this.#setOf(scope, stream, false)?.unset(index);
  }

  /** The response is there: variables of the request go, those of the response begin. */
  turn(stream: Stream): void {
    stream.inResponse = true;
    stream.variables?.req.clear();
  }

  /** The stream is over. */
  finish({ variables }: Stream): void {
    if (variables === null) return;
    variables.txn.clear();
    variables.req.clear();
    variables.res.clear();
  }

  /** The client's connection is over. */
  closed(slot: number): void {
    const set = this.#sessions[slot];
    if (set === null || set === undefined) return;
    set.clear();
    this.#spareSessions.push(set);
    this.#sessions[slot] = null;
  }
}

/** The bits of `set`'s conditions. */
export function conditionsOf(conditions: readonly string[]): number {
  let bits = 0;
  for (const condition of conditions) if (condition !== "") bits |= CONDITION[condition as VariableCondition];
  return bits;
}
