// The Huffman code of HPACK (RFC 7541 5.2 and appendix B), decoding only: what we send is not coded, as what HAProxy sends is not. The code is
// canonical, so that its lengths say everything. Decoding goes by half bytes through a table of states, one state for each inner node of the tree.

/** Bits of the code of each byte value, a digit of base 36 each; EOS has 30. */
const LENGTHS = [
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca",
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds",
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn",
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq",
].join("");
const EOS = 256;
const EOS_BITS = 30;
const BITS_MAX = 30;
/** Padding is shorter than this (RFC 7541 5.2). */
const PADDING_BITS_MAX = 7;

/** Entries of the table: next state, the byte that became complete, what is wrong. */
const STATE_MASK = 0x1ff;
const SYMBOL_SHIFT = 9;
const EMITS = 1 << 17;
const INVALID = 1 << 18;

/** Children of the tree's inner nodes, two each: an inner node, or the value of a byte as -1 - value. */
function growTree(): number[] {
  const lengths = [...LENGTHS].map((digit) => Number.parseInt(digit, 36));
  lengths.push(EOS_BITS);
  const children = [0, 0];
  let code = 0;
  for (let bits = 1; bits <= BITS_MAX; bits++) {
    for (let symbol = 0; symbol <= EOS; symbol++) {
      if (lengths[symbol] !== bits) continue;
      let node = 0;
      for (let bit = bits - 1; bit >= 0; bit--) {
        const at = node * 2 + ((code >>> bit) & 1);
        if (bit === 0) children[at] = -1 - symbol;
        else if (children[at] === 0) {
          children[at] = children.length / 2;
          children.push(0, 0);
        }
        node = children[at]!;
      }
      code++;
    }
    code *= 2;
  }
  return children;
}

const children = growTree();
const STATES = children.length / 2;
/** By state and half byte. */
const TABLE = new Int32Array(STATES * 16);
/** 1: a text may end in this state, because what came of its next code is padding. */
const MAY_END = new Uint8Array(STATES);

for (let state = 0; state < STATES; state++) {
  for (let nibble = 0; nibble < 16; nibble++) {
    let node = state;
    let entry = 0;
    for (let bit = 3; bit >= 0; bit--) {
      node = children[node * 2 + ((nibble >> bit) & 1)]!;
      if (node >= 0) continue;
      const symbol = -1 - node;
      // The codes are of five bits and more: there is never a second one in four bits.
      entry |= symbol === EOS ? INVALID : EMITS | (symbol << SYMBOL_SHIFT);
      node = 0;
    }
    TABLE[state * 16 + nibble] = entry | node;
  }
}
for (let bits = 0, node = 0; bits <= PADDING_BITS_MAX; bits++) {
  MAY_END[node] = 1;
  node = children[node * 2 + 1]!;
}

/**
 * Decodes bytes[start, end) to `to` in `out`.
 * @returns the offset behind what was written; -1: it is no such code (EOS in it, or padding that is not); -2: `limit` is reached
 */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  to: number,
  limit: number,
): number {
  let state = 0;
  let write = to;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    const first = TABLE[state * 16 + (byte >> 4)]!;
    const second = TABLE[(first & STATE_MASK) * 16 + (byte & 15)]!;
    if (((first | second) & INVALID) !== 0) return -1;
    if (write + 2 > limit) return -2;
    if ((first & EMITS) !== 0) out[write++] = (first >> SYMBOL_SHIFT) & 255;
    if ((second & EMITS) !== 0) out[write++] = (second >> SYMBOL_SHIFT) & 255;
    state = second & STATE_MASK;
  }
  return MAY_END[state] === 1 ? write : -1;
}
