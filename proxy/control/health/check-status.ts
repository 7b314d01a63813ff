// The outcomes of a health check, with HAProxy's numbers, names and descriptions (management.txt, `check_status` of show stat).
//
// The numbers are those of `srv_check_status` in show servers state, observed with HAProxy 3.2; they stand in the shared state so
// that every reader agrees. The names end in `show stat`, the descriptions in the log lines and in `check_desc`.

export const CHECK_STATUS = {
  /** Nothing known, nothing configured. */
  UNK: 0,
  /** Checks are configured (or not) and none has ended yet. */
  INI: 1,
  /** What traffic showed (`observe`). */
  HANA: 4,
  SOCKERR: 5,
  L4OK: 6,
  L4TOUT: 7,
  L4CON: 8,
  L6OK: 9,
  L6TOUT: 10,
  L6RSP: 11,
  L7TOUT: 12,
  L7RSP: 13,
  L7OK: 15,
  L7OKC: 16,
  L7STS: 17,
  PROCERR: 18,
  PROCTOUT: 19,
  PROCOK: 20,
} as const;

export type CheckStatusName = keyof typeof CHECK_STATUS;

/** What a status means for the server: HAProxy's srv_check_result numbers. */
export const CHECK_RESULT = { unknown: 0, neutral: 1, failed: 2, passed: 3, conditionallyPassed: 4 } as const;
export type CheckResult = (typeof CHECK_RESULT)[keyof typeof CHECK_RESULT];

interface StatusRow {
  readonly name: CheckStatusName;
  readonly result: CheckResult;
  readonly description: string;
}

// biome-ignore format: a table
const ROWS: readonly StatusRow[] = [
  { name: "UNK",     result: CHECK_RESULT.unknown,             description: "Unknown" },
  { name: "INI",     result: CHECK_RESULT.unknown,             description: "Initializing" },
  { name: "HANA",    result: CHECK_RESULT.failed,              description: "Health analyze" },
  { name: "SOCKERR", result: CHECK_RESULT.failed,              description: "Socket error" },
  { name: "L4OK",    result: CHECK_RESULT.passed,              description: "Layer4 check passed" },
  { name: "L4TOUT",  result: CHECK_RESULT.failed,              description: "Layer4 timeout" },
  { name: "L4CON",   result: CHECK_RESULT.failed,              description: "Layer4 connection problem" },
  { name: "L6OK",    result: CHECK_RESULT.passed,              description: "Layer6 check passed" },
  { name: "L6TOUT",  result: CHECK_RESULT.failed,              description: "Layer6 timeout" },
  { name: "L6RSP",   result: CHECK_RESULT.failed,              description: "Layer6 invalid response" },
  { name: "L7TOUT",  result: CHECK_RESULT.failed,              description: "Layer7 timeout" },
  { name: "L7RSP",   result: CHECK_RESULT.failed,              description: "Layer7 invalid response" },
  { name: "L7OK",    result: CHECK_RESULT.passed,              description: "Layer7 check passed" },
  { name: "L7OKC",   result: CHECK_RESULT.conditionallyPassed, description: "Layer7 check conditionally passed" },
  { name: "L7STS",   result: CHECK_RESULT.failed,              description: "Layer7 wrong status" },
  { name: "PROCERR", result: CHECK_RESULT.failed,              description: "External check error" },
  { name: "PROCTOUT", result: CHECK_RESULT.failed,             description: "External check timeout" },
  { name: "PROCOK",  result: CHECK_RESULT.passed,              description: "External check passed" },
];

const BY_NUMBER = new Map<number, StatusRow>(ROWS.map((row) => [CHECK_STATUS[row.name], row]));

/** The row of a status number; a number that no check can have written is a bug of ours. */
function rowOf(status: number): StatusRow {
  const row = BY_NUMBER.get(status);
  if (row === undefined) throw new Error(`no such check status: ${status}`);
  return row;
}

export function checkStatusName(status: number): CheckStatusName {
  return rowOf(status).name;
}

export function checkDescription(status: number): string {
  return rowOf(status).description;
}

export function checkResult(status: number): CheckResult {
  return rowOf(status).result;
}

/** Whether the status carries a response code worth showing: what a protocol or a program ended with. */
export function hasCheckCode(status: number): boolean {
  return status >= CHECK_STATUS.L7OK;
}
