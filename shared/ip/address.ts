// IP addresses between text and bytes (network order, 4 or 16 of them), both as byte arrays: nothing here makes a string or an object,
// so that workers may call it per request. text.ts has the comfortable forms for everybody else.
//
// IPv4 is read as inet_pton does: four decimal numbers without leading zeros. IPv6 is read in all forms of RFC 4291 §2.2, without a
// zone (`%eth0`), and written in the form of RFC 5952, as inet_ntop does.

/** An address and a mask of the same length, 4 or 16 bytes. */
export interface Network {
  readonly address: Uint8Array;
  readonly mask: Uint8Array;
}

const DOT = 46;
const ZERO = 48;
const COLON = 58;
const LETTER_A = 97;

const IPV6_GROUPS = 8;

/** Bytes that the longest text takes: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`. */
export const ADDRESS_TEXT_BYTES_MAX = 45;

/** Groups of the IPv6 address that is being read or written. One for all calls, because none of them is interrupted. */
const groups = new Uint16Array(IPV6_GROUPS);
/** An IPv4 tail of an IPv6 address. */
const tail = new Uint8Array(4);

/** Whether the address of `length` bytes at bytes[at] is one of the network's. */
export function networkHas({ address, mask }: Network, bytes: Uint8Array, at: number, length: number): boolean {
  if (address.length !== length) return false;
  for (let i = 0; i < length; i++) if (((bytes[at + i]! ^ address[i]!) & mask[i]!) !== 0) return false;
  return true;
}

/** Reads `a.b.c.d`, which must fill text[start … end), into target[at … at + 4). False: it is no IPv4 address; target may be touched. */
export function readIpv4(text: Uint8Array, start: number, end: number, target: Uint8Array, at: number): boolean {
  let numbers = 0;
  let digits = 0;
  let value = 0;
  for (let i = start; i < end; i++) {
    const code = text[i]!;
    if (code === DOT) {
      if (digits === 0 || numbers === 3) return false;
      target[at + numbers++] = value;
      digits = 0;
      value = 0;
    } else {
      const digit = code - ZERO;
      const hasLeadingZero = digits > 0 && value === 0;
      if (digit < 0 || digit > 9 || hasLeadingZero) return false;
      value = value * 10 + digit;
      digits++;
      if (value > 255) return false;
    }
  }
  if (digits === 0 || numbers !== 3) return false;
  target[at + 3] = value;
  return true;
}

/** Reads an IPv6 address, which must fill text[start … end), into target[at … at + 16). False: it is none; target is then untouched. */
export function readIpv6(text: Uint8Array, start: number, end: number, target: Uint8Array, at: number): boolean {
  let count = 0;
  /** Number of groups before `::`, -1 while there was none. */
  let gap = -1;
  let i = start;
  if (end - start >= 2 && text[i] === COLON && text[i + 1] === COLON) {
    gap = 0;
    i += 2;
  }
  while (i < end) {
    const groupEnd = hexDigitsEnd(text, i, end);
    if (groupEnd < end && text[groupEnd] === DOT) {
      if (count > IPV6_GROUPS - 2 || !readIpv4(text, i, end, tail, 0)) return false;
      groups[count++] = (tail[0]! << 8) | tail[1]!;
      groups[count++] = (tail[2]! << 8) | tail[3]!;
      break;
    }
    if (groupEnd === i || groupEnd - i > 4 || count === IPV6_GROUPS) return false;
    groups[count++] = hexValue(text, i, groupEnd);
    i = groupEnd;
    if (i === end) break;
    if (text[i] !== COLON || i + 1 === end) return false;
    i++;
    if (text[i] === COLON) {
      if (gap >= 0) return false;
      gap = count;
      i++;
    }
  }
  // `::` stands for at least one group.
  const complete = gap < 0 ? count === IPV6_GROUPS : count < IPV6_GROUPS;
  if (complete) storeGroups(count, gap, target, at);
  return complete;
}

/** Spreads `count` read groups over the address, the zeros of `::` at position `gap`. */
function storeGroups(count: number, gap: number, target: Uint8Array, at: number): void {
  const zeros = IPV6_GROUPS - count;
  for (let g = 0; g < IPV6_GROUPS; g++) {
    let group = 0;
    if (gap < 0 || g < gap) group = groups[g]!;
    else if (g >= gap + zeros) group = groups[g - zeros]!;
    target[at + 2 * g] = group >> 8;
    target[at + 2 * g + 1] = group;
  }
}

function hexDigitsEnd(text: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && hexDigit(text[i]!) >= 0) i++;
  return i;
}

function hexValue(text: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = (value << 4) | hexDigit(text[i]!);
  return value;
}

function hexDigit(code: number): number {
  const decimal = code - ZERO;
  if (decimal >= 0 && decimal <= 9) return decimal;
  const letter = (code | 32) - LETTER_A;
  return letter >= 0 && letter <= 5 ? letter + 10 : -1;
}

/** Reads an address of either family into target[0 …]. Returns its length in bytes, 4 or 16; 0: it is none. */
export function readAddress(text: Uint8Array, start: number, end: number, target: Uint8Array): 0 | 4 | 16 {
  for (let i = start; i < end; i++) {
    if (text[i] === COLON) return readIpv6(text, start, end, target, 0) ? 16 : 0;
  }
  return readIpv4(text, start, end, target, 0) ? 4 : 0;
}

/** Writes address[from … from + 4) as `a.b.c.d` to target[at …]; returns the index behind it. Takes up to 15 bytes. */
export function writeIpv4(target: Uint8Array, at: number, address: Uint8Array, from: number): number {
  let end = writeByte(target, at, address[from]!);
  for (let i = 1; i < 4; i++) {
    target[end++] = DOT;
    end = writeByte(target, end, address[from + i]!);
  }
  return end;
}

/** Writes 0 … 255 in decimal. */
function writeByte(target: Uint8Array, at: number, value: number): number {
  let end = at;
  if (value >= 100) target[end++] = ZERO + ((value / 100) | 0);
  if (value >= 10) target[end++] = ZERO + (((value / 10) | 0) % 10);
  target[end++] = ZERO + (value % 10);
  return end;
}

/**
 * Writes address[from … from + 16) to target[at …]; returns the index behind it. Takes up to ADDRESS_TEXT_BYTES_MAX bytes.
 * The longest run of zero groups (two at least, the first of equals) becomes `::`; mapped and compatible IPv4 addresses get their
 * dotted tail, as inet_ntop writes them.
 */
export function writeIpv6(target: Uint8Array, at: number, address: Uint8Array, from: number): number {
  let gap = -1;
  let gapLength = 1;
  let run = 0;
  for (let g = 0; g < IPV6_GROUPS; g++) {
    const group = (address[from + 2 * g]! << 8) | address[from + 2 * g + 1]!;
    groups[g] = group;
    run = group === 0 ? run + 1 : 0;
    if (run > gapLength) {
      gapLength = run;
      gap = g + 1 - run;
    }
  }
  const isMapped = gap === 0 && gapLength === 5 && groups[5] === 0xffff;
  const isCompatible = gap === 0 && gapLength === 6;
  const groupsEnd = isMapped || isCompatible ? IPV6_GROUPS - 2 : IPV6_GROUPS;
  let end = at;
  for (let g = 0; g < groupsEnd; g++) {
    if (g === gap) {
      target[end++] = COLON;
      g += gapLength - 1;
      if (g === IPV6_GROUPS - 1) target[end++] = COLON;
    } else {
      if (g > 0) target[end++] = COLON;
      end = writeGroup(target, end, groups[g]!);
    }
  }
  if (groupsEnd === IPV6_GROUPS) return end;
  target[end++] = COLON;
  return writeIpv4(target, end, address, from + 12);
}

/** Writes a group in hexadecimal without leading zeros. */
function writeGroup(target: Uint8Array, at: number, group: number): number {
  let end = at;
  for (let shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0; shift >= 0; shift -= 4) {
    const digit = (group >> shift) & 15;
    target[end++] = digit < 10 ? ZERO + digit : LETTER_A + digit - 10;
  }
  return end;
}
