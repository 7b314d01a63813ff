// The method `ip`: networks in two radix trees, IPv4 and IPv6, each compressed (a node only where networks begin or part), so that the
// longest network that holds an address is found in at most as many steps as there are nested prefixes on its way.
//
//        0.0.0.0/0                     node: prefix, its length, the entries of that very network, two children by the next bit
//        /        \
//   10.0.0.0/8   192.168.0.0/16        removed networks leave their node: it holds nothing, and is used again
//        \
//        10.1.0.0/16
//
// IPv4 masks with holes (255.0.255.0) are tried one by one, behind the tree. Families meet as configuration.txt 7.1.6 says.

import { parseNetwork } from "../../../shared/ip/text.ts";
import { embeddedIpv4At } from "../../sample/cast.ts";
import { TYPE } from "../../sample/types.ts";
import type { SampleValue } from "../../sample/value.ts";
import { insertById, type PatternEntry, type PatternSet } from "./entry.ts";

const IPV4 = TYPE.ipv4;

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]! | 0;
}

/** Number of ones at the top of a mask; -1: it has holes. */
function prefixLength(mask: Uint8Array): number {
  let bits = 0;
  while (bits < mask.length * 8 && (mask[bits >> 3]! & (0x80 >> (bits & 7))) !== 0) bits++;
  for (let i = bits; i < mask.length * 8; i++) if ((mask[i >> 3]! & (0x80 >> (i & 7))) !== 0) return -1;
  return bits;
}

class Node {
  /** The prefix, its words left-aligned; bits behind `length` are 0. */
  readonly words: Int32Array;
  readonly length: number;
  left: Node | null = null;
  right: Node | null = null;
  /** By rising id. */
  readonly entries: PatternEntry[] = [];

  constructor(words: Int32Array, length: number) {
    this.words = words;
    this.length = length;
  }
}

/** How many bits, up to `max`, two addresses have in common. */
function commonBits(a: Int32Array, b: Int32Array, max: number): number {
  for (let i = 0; i * 32 < max; i++) {
    const difference = a[i]! ^ b[i]!;
    if (difference !== 0) return Math.min(max, i * 32 + Math.clz32(difference));
  }
  return max;
}

function masked(words: Int32Array, length: number): Int32Array {
  return words.map((part, i) => {
    const bits = length - i * 32;
    return bits >= 32 ? part : bits <= 0 ? 0 : part & (-1 << (32 - bits));
  });
}

/** One family's tree. */
export class RadixTree {
  #root: Node | null = null;
  /** Networks in the tree. */
  size = 0;

  /** The node of a network, made where it is missing. */
  add(address: Int32Array, length: number, entry: PatternEntry): void {
    insertById(this.#nodeOf(masked(address, length), length).entries, entry);
    this.size++;
  }

  remove(address: Int32Array, length: number, entry: PatternEntry): void {
    const { entries } = this.#nodeOf(masked(address, length), length);
    const at = entries.indexOf(entry);
    if (at < 0) return;
    entries.splice(at, 1);
    this.size--;
  }

  #nodeOf(words: Int32Array, length: number): Node {
    let parent: Node | null = null;
    let node = this.#root;
    while (node !== null) {
      const common = commonBits(words, node.words, Math.min(length, node.length));
      if (common < node.length) {
        // The paths part inside of this node's prefix (or the new network holds it).
        const fork = new Node(masked(words, common), common);
        this.#put(parent, fork);
        this.#put(fork, node);
        if (common === length) return fork;
        const leaf = new Node(words, length);
        this.#put(fork, leaf);
        return leaf;
      }
      if (node.length === length) return node;
      parent = node;
      node = bitAt(words, node.length) ? node.right : node.left;
    }
    const leaf = new Node(words, length);
    this.#put(parent, leaf);
    return leaf;
  }

  #put(parent: Node | null, child: Node): void {
    if (parent === null) this.#root = child;
    else if (bitAt(child.words, parent.length)) parent.right = child;
    else parent.left = child;
  }

  /** The first entry of the longest network that holds the address. */
  find(address: Int32Array): PatternEntry | null {
    let found: PatternEntry | null = null;
    let node = this.#root;
    const bits = address.length * 32;
    while (node !== null) {
      const { length, words } = node;
      let i = 0;
      for (; (i + 1) * 32 <= length; i++) if (words[i] !== address[i]) return found;
      const rest = length & 31;
      if (rest !== 0 && ((words[i]! ^ address[i]!) & (-1 << (32 - rest))) !== 0) return found;
      if (node.entries.length > 0) found = node.entries[0]!;
      if (length === bits) return found;
      node = ((address[length >> 5]! >>> (31 - (length & 31))) & 1) !== 0 ? node.right : node.left;
    }
    return found;
  }
}

function bitAt(words: Int32Array, at: number): boolean {
  return ((words[at >> 5]! >>> (31 - (at & 31))) & 1) !== 0;
}

interface Holed {
  readonly id: number;
  readonly entry: PatternEntry;
  readonly address: number;
  readonly mask: number;
}

export class AddressSet implements PatternSet {
  readonly #ipv4 = new RadixTree();
  readonly #ipv6 = new RadixTree();
  /** Networks whose mask has holes. */
  readonly #holed: Holed[] = [];
  readonly #probe4 = new Int32Array(1);
  readonly #probe6 = new Int32Array(4);

  add(entry: PatternEntry): void {
    const network = parseNetwork(entry.key);
    if (network === null) return;
    const { address, mask } = network;
    const length = prefixLength(mask);
    if (address.length === 16) this.#ipv6.add(words(address), length, entry);
    else if (length >= 0) this.#ipv4.add(words(address), length, entry);
    else {
      const bits = word(mask, 0);
      insertById(this.#holed, { id: entry.id, entry, address: word(address, 0) & bits, mask: bits });
    }
  }

  remove(entry: PatternEntry): void {
    const network = parseNetwork(entry.key);
    if (network === null) return;
    const { address, mask } = network;
    const length = prefixLength(mask);
    if (address.length === 16) this.#ipv6.remove(words(address), length, entry);
    else if (length >= 0) this.#ipv4.remove(words(address), length, entry);
    else {
      const at = this.#holed.findIndex((holed) => holed.entry === entry);
      if (at >= 0) this.#holed.splice(at, 1);
    }
  }

  has(value: SampleValue): boolean {
    return this.find(value) !== null;
  }

  find(value: SampleValue): PatternEntry | null {
    const address = value.address;
    const probe = this.#probe6;
    if (value.type === IPV4) {
      const found = this.#find4(word(address, 0));
      if (found !== null || this.#ipv6.size === 0) return found;
      probe[0] = probe[1] = 0;
      probe[2] = 0xffff;
      probe[3] = word(address, 0);
      return this.#ipv6.find(probe);
    }
    if (this.#ipv6.size > 0) {
      for (let i = 0; i < 4; i++) probe[i] = word(address, 4 * i);
      const found = this.#ipv6.find(probe);
      if (found !== null) return found;
    }
    const at = embeddedIpv4At(address);
    return at < 0 ? null : this.#find4(word(address, at));
  }

  #find4(address: number): PatternEntry | null {
    this.#probe4[0] = address;
    const found = this.#ipv4.find(this.#probe4);
    if (found !== null) return found;
    const holed = this.#holed;
    for (let i = 0; i < holed.length; i++) {
      const { mask, address: wanted, entry } = holed[i]!;
      if ((address & mask) === wanted) return entry;
    }
    return null;
  }
}

function words(address: Uint8Array): Int32Array {
  return Int32Array.from({ length: address.length / 4 }, (_, i) => word(address, 4 * i));
}
