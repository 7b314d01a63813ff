// What became of persistence cookies, by number: the third and fourth termination flags of the log (configuration.txt 8.5).

/** The client's cookie, in the order of LETTERS below. */
export const REQUEST_COOKIE = { none: 0, invalid: 1, down: 2, valid: 3, expired: 4, old: 5, unused: 6 } as const;

/** The server's cookie. */
export const RESPONSE_COOKIE = { none: 0, found: 1, deleted: 2, inserted: 3, replaced: 4, updated: 5 } as const;

const letters = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** ASCII of the log's characters by REQUEST_COOKIE: none, invalid, down, valid, expired, old, unused. */
export const REQUEST_COOKIE_LETTERS = letters("NIDVEOU");
/** By RESPONSE_COOKIE: none, provided by the server, deleted, inserted, rewritten, updated. */
export const RESPONSE_COOKIE_LETTERS = letters("NPDIRU");
