// What `show info json` and `show stat json` look like, as a JSON schema (draft 4): `show schema json`, and `;json-schema` on the page. Its shape
// is HAProxy's, and the values of each enumeration are those that our own writers use.

import { NATURE_NAMES, ORIGIN_NAMES, SCOPE_NAMES } from "./stat-writers.ts";

const ref = (name: string) => ({ $ref: `#/definitions/${name}` });
const naturalNumber = { type: "integer", minimum: 0 };
const words = (names: readonly string[]) => ({ type: "string", enum: [...names, "Unknown"] });

const ITEM = { field: ref("field"), processNum: ref("processNum"), tags: ref("tags") };

const SCHEMA = {
  $schema: "http://json-schema.org/draft-04/schema#",
  oneOf: [
    {
      ...{ title: "Info", type: "array" },
      items: {
        ...{ title: "InfoItem", type: "object" },
        properties: { ...ITEM, value: ref("typedValue") },
        required: ["field", "processNum", "tags", "value"],
      },
    },
    {
      ...{ title: "Stat", type: "array" },
      items: {
        ...{ title: "InfoItem", type: "object" },
        properties: {
          objType: { enum: ["Frontend", "Backend", "Listener", "Server", "Unknown"] },
          ...{ proxyId: naturalNumber, id: naturalNumber },
          ...ITEM,
          typedValue: ref("typedValue"),
        },
        required: ["objType", "proxyId", "id", "field", "processNum", "tags", "value"],
      },
    },
    {
      ...{ title: "Error", type: "object" },
      ...{ properties: { errorStr: { type: "string" } }, required: ["errorStr"] },
    },
  ],
  definitions: {
    field: { type: "object", pos: naturalNumber, name: { type: "string" }, required: ["pos", "name"] },
    processNum: { type: "integer", minimum: 1 },
    tags: {
      type: "object",
      ...{ origin: words(ORIGIN_NAMES), nature: words(NATURE_NAMES), scope: words(SCOPE_NAMES) },
      required: ["origin", "nature", "scope"],
    },
    typedValue: {
      type: "object",
      oneOf: ["s32Value", "s64Value", "u32Value", "u64Value", "strValue"].map((name) =>
        ref(`typedValue/definitions/${name}`),
      ),
      definitions: {
        s32Value: number("s32", -(2 ** 31), 2 ** 31 - 1),
        s64Value: number("s64", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
        u32Value: number("u32", 0, 2 ** 32 - 1),
        u64Value: number("u64", 0, Number.MAX_SAFE_INTEGER),
        strValue: {
          properties: { type: { type: "string", enum: ["str"] }, value: { type: "string" } },
          required: ["type", "value"],
        },
        unknownValue: {
          properties: { type: naturalNumber, value: { type: "string", enum: ["unknown"] } },
          required: ["type", "value"],
        },
      },
    },
  },
};

function number(type: string, minimum: number, maximum: number) {
  return {
    properties: { type: { type: "string", enum: [type] }, value: { type: "integer", minimum, maximum } },
    required: ["type", "value"],
  };
}

export function schemaText(): string {
  return `${JSON.stringify(SCHEMA)}\n`;
}
