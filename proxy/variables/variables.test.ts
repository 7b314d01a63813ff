// Variables by themselves: names, values of every type, conditions, limits, the life of each scope, and proc variables seen from two threads' views.

import t from "tap";
import type { VariablesPlan } from "../plan/variables.ts";
import { TYPE } from "../sample/types.ts";
import { SampleValue, textBytes } from "../sample/value.ts";
import { Stream } from "../stream/stream.ts";
import { parseVariableName } from "./name.ts";
import { ProcVariables, procVariablesBytes } from "./proc-variables.ts";
import { conditionsOf, type Variable, Variables } from "./variables.ts";

const TEXT_BYTES = 64;

function make(limits: Partial<VariablesPlan["limits"]> = {}) {
  const buffer = new SharedArrayBuffer(procVariablesBytes(4, TEXT_BYTES));
  const plan: VariablesPlan = {
    ...{ proc: ["known"], initial: [] },
    limits: { global: 0, proc: 0, sess: 0, txn: 0, reqres: 0, ...limits },
  };
  const worker = () =>
    new Variables(
      plan,
      new ProcVariables(buffer, 0, 4, TEXT_BYTES, plan.limits.proc),
      Int32Array.from({ length: 16 }, (_, slot) => slot),
    );
  const value = new SampleValue(256);
  const give = (text: string | number): SampleValue => {
    if (typeof text === "number") {
      value.type = TYPE.sint;
      value.int = text;
    } else {
      value.type = TYPE.str;
      value.bytes = textBytes(text);
      value.start = 0;
      value.end = text.length;
    }
    return value;
  };
  const show = (variables: Variables, variable: Variable, stream: Stream): string | number | null => {
    if (!variables.get(variable, stream, value)) return null;
    return value.type === TYPE.sint ? value.int : value.text();
  };
  return { worker, give, show, value };
}

t.test("names", (t) => {
  t.same(parseVariableName("txn.a.b_1"), { scope: "txn", name: "a.b_1", ofParent: false });
  t.same(parseVariableName("psess.x"), { scope: "sess", name: "x", ofParent: true });
  t.same(parseVariableName("proc.x"), { scope: "proc", name: "x", ofParent: false });
  t.match(parseVariableName("nope.x"), /must start with its scope/);
  t.match(parseVariableName("txn."), /must start with its scope/);
  t.match(parseVariableName("pproc.x"), /must start with its scope/);
  t.equal(parseVariableName("txn.a-b"), "invalid syntax at char '-'");
  t.equal(parseVariableName(""), "Empty variable name cannot be accepted");
  t.end();
});

t.test("scopes and their lives", (t) => {
  const { worker, give, show, value } = make();
  const variables = worker();
  const [txn, req, res, sess, parent] = ["txn.a", "req.a", "res.a", "sess.a", "ptxn.a"].map((name) =>
    variables.find(name),
  ) as [Variable, Variable, Variable, Variable, Variable];
  t.same(variables.find("txn.a"), txn, "a name has one number");
  const stream = new Stream(3, 2);
  stream.client = 7;
  for (const one of [txn, req, sess]) t.ok(variables.set(one, stream, give("text"), 0));
  t.notOk(variables.set(res, stream, give("text"), 0), "there is no response yet");
  t.notOk(variables.set(parent, stream, give("text"), 0));
  t.same(
    [txn, req, res, sess].map((one) => show(variables, one, stream)),
    ["text", "text", null, "text"],
  );
  variables.turn(stream);
  t.ok(variables.set(res, stream, give(5), 0));
  t.same(
    [txn, req, res].map((one) => show(variables, one, stream)),
    ["text", null, 5],
  );
  variables.finish(stream);
  stream.inResponse = false;
  t.same(
    [txn, req, sess].map((one) => show(variables, one, stream)),
    [null, null, "text"],
  );
  const early = new Stream(-1, 2);
  early.client = 8;
  t.notOk(variables.set(txn, early, give(1), 0), "before there is a stream");
  t.ok(variables.set(sess, early, give(1), 0));
  t.equal(show(variables, sess, early), 1);
  variables.closed(7);
  t.equal(show(variables, sess, stream), null);
  value.type = TYPE.ipv6;
  value.address.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  variables.set(txn, stream, value, 0);
  value.address.fill(0);
  t.ok(variables.get(txn, stream, value));
  t.same([value.type, [...value.address.subarray(0, 3)]], [TYPE.ipv6, [1, 2, 3]]);
  value.type = TYPE.sint;
  Object.assign(value, { int: 2 ** 62, high: 0x40000000, low: 1 });
  variables.set(txn, stream, value, 0);
  Object.assign(value, { int: 0, high: 0, low: 0 });
  variables.get(txn, stream, value);
  t.same([value.high, value.low], [0x40000000, 1], "64 bits");
  variables.unset(txn, stream);
  t.equal(show(variables, txn, stream), null);
  t.end();
});

t.test("conditions", (t) => {
  const { worker, give, show } = make();
  const variables = worker();
  const stream = new Stream(0, 2);
  stream.client = 0;
  const a = variables.find("txn.a");
  const set = (text: string | number, ...conditions: string[]): string | number | null => {
    variables.set(a, stream, give(text), conditionsOf(conditions));
    return show(variables, a, stream);
  };
  t.equal(set("x", "ifexists"), null);
  t.equal(set("x", "ifset"), null);
  t.equal(set("x", "ifnotexists"), "x");
  t.equal(set("y", "ifnotexists"), "x");
  t.equal(set("y", "ifnotset"), "x");
  t.equal(set("y", "ifexists", "ifset"), "y");
  t.equal(set("", "ifnotempty"), "y");
  t.equal(set("z", "ifempty"), "y");
  t.equal(set(7, "ifempty"), "y", "numbers are never empty");
  t.equal(set("", "ifempty"), "");
  t.equal(set(10), 10);
  t.equal(set(15, "ifgt"), 10, "the variable is not greater");
  t.equal(set(5, "ifgt"), 5);
  t.equal(set(3, "iflt"), 5);
  t.equal(set(20, "iflt"), 20);
  t.equal(set("a", "ifgt"), "a", "text is not compared");
  t.equal(set(1, "iflt"), 1, "nor with text");
  const proc = variables.find("proc.known");
  t.notOk(variables.set(proc, stream, give(1), conditionsOf(["ifset"])));
  t.ok(variables.set(proc, stream, give(1), conditionsOf(["ifexists", "ifnotset"])), "proc ones exist from the start");
  t.ok(variables.set(proc, stream, give(4), conditionsOf(["iflt"])));
  t.equal(show(variables, proc, stream), 4);
  t.end();
});

t.test("limits, and proc variables are everybody's", (t) => {
  const { worker, give, show } = make({ txn: 400, reqres: 200, proc: 150 });
  const [variables, other] = [worker(), worker()];
  const stream = new Stream(0, 2);
  stream.client = 0;
  const find = (name: string): Variable => variables.find(name);
  const [a, b, c] = [find("req.a"), find("req.b"), find("txn.c")];
  t.ok(variables.set(a, stream, give("x".repeat(100)), 0));
  t.notOk(variables.set(b, stream, give("y".repeat(100)), 0), "more than reqres may have");
  t.ok(variables.set(a, stream, give("x"), 0), "what shrinks always may");
  t.ok(variables.set(b, stream, give("y"), 0));
  t.notOk(variables.set(c, stream, give("z".repeat(300)), 0), "the narrower scopes count in the wider one");
  t.ok(variables.set(c, stream, give("z".repeat(100)), 0));
  const proc = find("proc.known");
  t.ok(variables.set(proc, stream, give("shared"), 0));
  t.equal(show(other, proc, stream), "shared");
  t.notOk(variables.set(proc, stream, give("x".repeat(TEXT_BYTES + 1)), 0), "longer than a buffer");
  t.notOk(variables.set(find("proc.spare"), stream, give("x".repeat(50)), 0), "more than proc may have");
  other.unset(proc, stream);
  t.equal(show(variables, proc, stream), null);
  t.end();
});
