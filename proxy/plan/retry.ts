// `retry-on`: after which failures a request is sent again (configuration.txt 4.2). Shared by config/, which reads the words, and the workers.

/** Bits of BackendPlan.retryOn. */
export const RETRY_ON = {
  connFailure: 1,
  emptyResponse: 2,
  junkResponse: 4,
  responseTimeout: 8,
  /** TLS early data that the server did not want. */
  rejected0rtt: 16,
} as const;

/** Statuses that may be named, each a bit from STATUS_SHIFT on. */
export const RETRY_STATUSES: readonly number[] = [401, 403, 404, 408, 421, 425, 429, 500, 501, 502, 503, 504];
const STATUS_SHIFT = 5;

/** The bit of a status, 0: it cannot be retried on. */
export function retryStatusBit(status: number): number {
  const at = RETRY_STATUSES.indexOf(status);
  return at < 0 ? 0 : 1 << (STATUS_SHIFT + at);
}

const ALL_RETRYABLE =
  RETRY_ON.connFailure |
  RETRY_ON.emptyResponse |
  RETRY_ON.junkResponse |
  RETRY_ON.responseTimeout |
  RETRY_ON.rejected0rtt |
  [500, 502, 503, 504].reduce((bits, status) => bits | retryStatusBit(status), 0);

/** Words other than statuses and `none`. */
export const RETRY_WORDS: Readonly<Record<string, number>> = {
  "conn-failure": RETRY_ON.connFailure,
  "empty-response": RETRY_ON.emptyResponse,
  "junk-response": RETRY_ON.junkResponse,
  "response-timeout": RETRY_ON.responseTimeout,
  "0rtt-rejected": RETRY_ON.rejected0rtt,
  "all-retryable-errors": ALL_RETRYABLE,
};
