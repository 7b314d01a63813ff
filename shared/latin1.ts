// Text as bytes, one byte a character: how configuration text, header names and messages become what is compared and sent. For
// boot and for rare answers; the data path has only the results.

/** The low byte of every character. */
export function latin1(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}
