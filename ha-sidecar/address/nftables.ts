// nf_tables from TypeScript: batches that the kernel applies as a whole or not at all. Only what packet-filter.ts needs: tables, base
// chains, sets of addresses, rules made of a few expressions.
//
//   batch = begin, message …, end          rule = expressions, each reading from or writing to register 1

import { NFTABLES as N, NFGENMSG } from "../../shared/abi/nftables.ts";
import { RAW_SOCKET } from "../../shared/abi/packet-socket.ts";
import { NLMSGERR, RTNETLINK } from "../../shared/abi/rtnetlink.ts";
import { close } from "../../shared/ffi/file.ts";
import { recv, SO_RCVTIMEO, SOCK_CLOEXEC, SOL_SOCKET, send, setsockopt, socket } from "../../shared/ffi/socket.ts";
import { messagesOf, Request } from "./netlink.ts";

const ANSWER_TIMEOUT_S = 2;
/** An attribute has 16 bits of length: so many elements fit into one message with room to spare. */
const ELEMENTS_PER_MESSAGE = 500;

export type Family = typeof N.NFPROTO_INET | typeof N.NFPROTO_ARP;

/** An expression of a rule: its name and its attributes, in order. */
export interface Expression {
  readonly name: string;
  readonly write: (request: Request) => void;
}

function be32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function data(request: Request, attribute: number, value: Uint8Array): void {
  const at = request.nest(attribute);
  request.attribute(N.NFTA_DATA_VALUE, value);
  request.unnest(at);
}

/** Register 1 := the packet's protocol (NFT_META_NFPROTO, NFT_META_L4PROTO). */
export function meta(key: number): Expression {
  return {
    name: "meta",
    write: (request) => {
      request.attribute(N.NFTA_META_KEY, be32(key)).attribute(N.NFTA_META_DREG, be32(N.NFT_REG_1));
    },
  };
}

/** Register 1 := bytes of the packet. */
export function payload(base: number, offset: number, length: number): Expression {
  return {
    name: "payload",
    write: (request) => {
      request.attribute(N.NFTA_PAYLOAD_DREG, be32(N.NFT_REG_1)).attribute(N.NFTA_PAYLOAD_BASE, be32(base));
      request.attribute(N.NFTA_PAYLOAD_OFFSET, be32(offset)).attribute(N.NFTA_PAYLOAD_LEN, be32(length));
    },
  };
}

/** The rule goes on when register 1 compares so with the bytes. */
export function compare(operator: number, value: readonly number[]): Expression {
  return {
    name: "cmp",
    write: (request) => {
      request.attribute(N.NFTA_CMP_SREG, be32(N.NFT_REG_1)).attribute(N.NFTA_CMP_OP, be32(operator));
      data(request, N.NFTA_CMP_DATA, Uint8Array.from(value));
    },
  };
}

/** The rule goes on when register 1 is in the set, or (inverted) is not. */
export function lookup(set: string, isInverted = false): Expression {
  return {
    name: "lookup",
    write: (request) => {
      request.attributeText(N.NFTA_LOOKUP_SET, set).attribute(N.NFTA_LOOKUP_SREG, be32(N.NFT_REG_1));
      if (isInverted) request.attribute(N.NFTA_LOOKUP_FLAGS, be32(N.NFT_LOOKUP_F_INV));
    },
  };
}

export const drop: Expression = {
  name: "immediate",
  write: (request) => {
    request.attribute(N.NFTA_IMMEDIATE_DREG, be32(N.NFT_REG_VERDICT));
    const at = request.nest(N.NFTA_IMMEDIATE_DATA);
    const verdict = request.nest(N.NFTA_DATA_VERDICT);
    request.attribute(N.NFTA_VERDICT_CODE, be32(N.NF_DROP));
    request.unnest(verdict);
    request.unnest(at);
  },
};

/** Changes that are made all together. */
export class Batch {
  readonly requests: Request[] = [];
  #setId = 0;

  addTable(family: Family, table: string): this {
    this.#message(family, N.NFT_MSG_NEWTABLE, RTNETLINK.NLM_F_CREATE).attributeText(N.NFTA_TABLE_NAME, table);
    return this;
  }

  /** With everything that is in it; it must exist. */
  deleteTable(family: Family, table: string): this {
    this.#message(family, N.NFT_MSG_DELTABLE, 0).attributeText(N.NFTA_TABLE_NAME, table);
    return this;
  }

  /** A base chain that accepts what its rules let pass. */
  addChain(family: Family, table: string, chain: string, hook: number, priority: number): this {
    const request = this.#message(family, N.NFT_MSG_NEWCHAIN, RTNETLINK.NLM_F_CREATE);
    request.attributeText(N.NFTA_CHAIN_TABLE, table).attributeText(N.NFTA_CHAIN_NAME, chain);
    const at = request.nest(N.NFTA_CHAIN_HOOK);
    request.attribute(N.NFTA_HOOK_HOOKNUM, be32(hook)).attribute(N.NFTA_HOOK_PRIORITY, be32(priority));
    request.unnest(at);
    request.attribute(N.NFTA_CHAIN_POLICY, be32(1)).attributeText(N.NFTA_CHAIN_TYPE, "filter");
    return this;
  }

  /** `type`: nft's number of the data type, which only `nft list` reads. */
  addSet(family: Family, table: string, set: string, type: number, keyBytes: number, hasTimeout: boolean): this {
    const request = this.#message(family, N.NFT_MSG_NEWSET, RTNETLINK.NLM_F_CREATE);
    request.attributeText(N.NFTA_SET_TABLE, table).attributeText(N.NFTA_SET_NAME, set);
    request.attribute(N.NFTA_SET_FLAGS, be32(hasTimeout ? N.NFT_SET_TIMEOUT : 0));
    request.attribute(N.NFTA_SET_KEY_TYPE, be32(type)).attribute(N.NFTA_SET_KEY_LEN, be32(keyBytes));
    request.attribute(N.NFTA_SET_ID, be32(++this.#setId));
    return this;
  }

  addRule(family: Family, table: string, chain: string, expressions: readonly Expression[]): this {
    const request = this.#message(family, N.NFT_MSG_NEWRULE, RTNETLINK.NLM_F_CREATE | RTNETLINK.NLM_F_APPEND);
    request.attributeText(N.NFTA_RULE_TABLE, table).attributeText(N.NFTA_RULE_CHAIN, chain);
    const list = request.nest(N.NFTA_RULE_EXPRESSIONS);
    for (const { name, write } of expressions) {
      const element = request.nest(N.NFTA_LIST_ELEM);
      request.attributeText(N.NFTA_EXPR_NAME, name);
      const at = request.nest(N.NFTA_EXPR_DATA);
      write(request);
      request.unnest(at);
      request.unnest(element);
    }
    request.unnest(list);
    return this;
  }

  /** Adds what is missing. `timeoutMs` 0: they stay. */
  addElements(family: Family, table: string, set: string, keys: readonly Uint8Array[], timeoutMs = 0): this {
    return this.#elements(family, table, set, keys, N.NFT_MSG_NEWSETELEM, RTNETLINK.NLM_F_CREATE, timeoutMs);
  }

  /** They must be there: an absent one makes the batch fail. */
  deleteElements(family: Family, table: string, set: string, keys: readonly Uint8Array[]): this {
    return this.#elements(family, table, set, keys, N.NFT_MSG_DELSETELEM, 0, 0);
  }

  #elements(
    family: Family,
    table: string,
    set: string,
    keys: readonly Uint8Array[],
    type: number,
    flags: number,
    timeoutMs: number,
  ): this {
    const timeout = new Uint8Array(8);
    new DataView(timeout.buffer).setBigUint64(0, BigInt(Math.round(timeoutMs)));
    for (let from = 0; from < keys.length; from += ELEMENTS_PER_MESSAGE) {
      const request = this.#message(family, type, flags);
      request.attributeText(N.NFTA_SET_ELEM_LIST_TABLE, table).attributeText(N.NFTA_SET_ELEM_LIST_SET, set);
      const list = request.nest(N.NFTA_SET_ELEM_LIST_ELEMENTS);
      for (const key of keys.slice(from, from + ELEMENTS_PER_MESSAGE)) {
        const element = request.nest(N.NFTA_LIST_ELEM);
        data(request, N.NFTA_SET_ELEM_KEY, key);
        if (timeoutMs > 0) request.attribute(N.NFTA_SET_ELEM_TIMEOUT, timeout);
        request.unnest(element);
      }
      request.unnest(list);
    }
    return this;
  }

  #message(family: Family, type: number, flags: number): Request {
    const header = new Uint8Array(NFGENMSG.sizeof);
    header[NFGENMSG.nfgen_family] = family;
    const request = new Request((N.NFNL_SUBSYS_NFTABLES << 8) | type, flags, header);
    this.requests.push(request);
    return request;
  }
}

/** The socket of batches. */
export class Nftables {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(32 * 1024);
  #sequence = 0;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens the socket, or returns -errno (EPROTONOSUPPORT: the kernel has no netfilter). */
  static open(): Nftables | number {
    const fd = socket(RAW_SOCKET.AF_NETLINK, RAW_SOCKET.SOCK_RAW | SOCK_CLOEXEC, N.NETLINK_NETFILTER);
    if (fd < 0) return fd;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(BigInt64Array.of(BigInt(ANSWER_TIMEOUT_S), 0n).buffer));
    return new Nftables(fd);
  }

  /** Makes the changes. 0, or the first -errno; then nothing was changed. */
  commit(batch: Batch): number {
    const parts = [this.#edge(N.NFNL_MSG_BATCH_BEGIN)];
    for (const request of batch.requests) parts.push(request.finish(++this.#sequence));
    const last = this.#sequence;
    parts.push(this.#edge(N.NFNL_MSG_BATCH_END));
    const sent = send(this.#fd, Buffer.concat(parts), 0);
    if (sent < 0) return sent;
    let result = 0;
    for (;;) {
      const length = recv(this.#fd, this.#buffer, 0);
      if (length < 0) return result < 0 ? result : length;
      for (const { type, sequence, bytes } of messagesOf(this.#buffer.subarray(0, length))) {
        if (type !== RTNETLINK.NLMSG_ERROR || sequence > last) continue;
        if (result === 0) result = new DataView(bytes.buffer, bytes.byteOffset).getInt32(NLMSGERR.error, true);
        if (sequence === last) return result;
        // The kernel refused the batch itself (privileges): nothing else comes.
        if (sequence < last - batch.requests.length + 1 && result < 0) return result;
      }
    }
  }

  close(): void {
    close(this.#fd);
  }

  /** Begin or end of a batch; without an acknowledgement, which only new kernels would send. */
  #edge(type: number): Uint8Array {
    const header = new Uint8Array(NFGENMSG.sizeof);
    header[NFGENMSG.res_id + 1] = N.NFNL_SUBSYS_NFTABLES;
    const message = Uint8Array.from(new Request(type, 0, header).finish(0));
    message[6] = RTNETLINK.NLM_F_REQUEST;
    return message;
  }
}
