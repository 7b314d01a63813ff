// The converters mqtt_is_valid and mqtt_field_value, for the first packets of MQTT connections: CONNECT and CONNACK of 3.1, 3.1.1 and 5.0.
// configuration.txt 7.3.1; the OASIS standards' sections 2.2, 3.1 and 3.2.
//
// A packet is read once from front to back; what was asked for is kept as a range of the value's own bytes or as a number, which becomes
// its decimal text.

import { TYPE } from "../types.ts";
import { type SampleValue, textBytes } from "../value.ts";
import { type ArgumentCheck, textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";
import { setBool, setCopy, setRange } from "./result.ts";

const CONNECT = 1;
const CONNACK = 2;
const PACKETS: readonly string[] = [
  ...["", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback"],
  ...["unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth"],
];

const VERSION_3_1 = 3;
const VERSION_3_1_1 = 4;
const VERSION_5 = 5;

const FLAG = { clean: 2, will: 4, willQos: 0x18, willRetain: 0x20, password: 0x40, username: 0x80 } as const;

/** What can be asked by name; properties are asked by number, which are below 256. */
const FIELDS: Readonly<Record<number, readonly string[]>> = {
  [CONNECT]: [
    ...["flags", "protocol_name", "protocol_version", "client_identifier", "will_topic", "will_payload"],
    ...["username", "password", "keepalive"],
  ],
  [CONNACK]: ["flags", "protocol_version", "reason_code"],
};
const FIELD_BASE = 256;

/** Types of properties: bytes of an integer, 0: a text or block behind its length, -1: a number of variable length, -2: two texts. */
const PROPERTIES: Readonly<Record<number, number>> = {
  ...{ 1: 1, 2: 4, 3: 0, 8: 0, 9: 0, 11: -1, 17: 4, 18: 0, 19: 2, 21: 0, 22: 0, 23: 1, 24: 4, 25: 1, 26: 0, 28: 0 },
  ...{ 31: 0, 33: 2, 34: 2, 35: 2, 36: 1, 37: 1, 38: -2, 39: 4, 40: 1, 41: 1, 42: 1 },
};
const CONNECT_PROPERTIES = new Set([17, 33, 39, 34, 25, 23, 38, 21, 22]);
const WILL_PROPERTIES = new Set([24, 1, 2, 3, 8, 9, 38]);
const CONNACK_PROPERTIES = new Set([17, 33, 36, 37, 39, 18, 34, 31, 38, 40, 41, 42, 19, 26, 28, 21, 22]);
const USER_PROPERTY = 38;

/** Reads one packet. Everything that reads moves `at` and sets `ok` to false when the packet is shorter than it says. */
class Packet {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #ok = true;
  #wanted = -1;
  /** What was asked for: a range when `start` is not negative, else a number when that is not negative. */
  start = -1;
  end = -1;
  number = -1;
  version = 0;
  isIncomplete = false;

  /** Whether the value is one whole packet of that type (0: CONNECT or CONNACK). */
  read(value: SampleValue, type: number, wanted: number): boolean {
    this.#bytes = value.bytes;
    this.#at = value.start;
    this.#end = value.end;
    this.#ok = true;
    this.#wanted = wanted;
    this.start = this.number = -1;
    const first = this.#integer(1);
    const kind = first >> 4;
    const length = this.#variable();
    // A packet that is shorter than it says may still become a valid one.
    this.isIncomplete = value.start === value.end || !this.#ok || length > this.#end - this.#at;
    if (!this.#ok || (first & 15) !== 0 || length !== this.#end - this.#at) return false;
    if (type !== 0 && type !== kind) return false;
    if (kind === CONNECT) return this.#connect();
    return kind === CONNACK && this.#connack();
  }

  #integer(bytes: number): number {
    if (this.#at + bytes > this.#end) {
      this.#ok = false;
      return 0;
    }
    let number = 0;
    for (let i = 0; i < bytes; i++) number = number * 256 + this.#bytes[this.#at++]!;
    return number;
  }

  /** A number of one to four bytes, the smallest ones first. */
  #variable(): number {
    let number = 0;
    for (let i = 0; i < 4; i++) {
      const byte = this.#integer(1);
      number += (byte & 127) * 128 ** i;
      if (byte < 128) return number;
    }
    this.#ok = false;
    return 0;
  }

  #keepNumber(field: number, number: number): void {
    if (field === this.#wanted && this.#ok) this.number = number;
  }

  /** A text or block behind its length. */
  #block(field: number): void {
    const length = this.#integer(2);
    const start = this.#at;
    if (start + length > this.#end) this.#ok = false;
    if (!this.#ok) return;
    this.#at += length;
    if (field !== this.#wanted) return;
    this.start = start;
    this.end = this.#at;
  }

  #named(type: number, name: string): number {
    return FIELD_BASE + FIELDS[type]!.indexOf(name);
  }

  #properties(allowed: ReadonlySet<number>): void {
    const length = this.#variable();
    const last = this.#at + length;
    if (last > this.#end) this.#ok = false;
    let seen = 0n;
    while (this.#ok && this.#at < last) {
      const id = this.#variable();
      const bit = 1n << BigInt(id & 63);
      if (!allowed.has(id) || (id !== USER_PROPERTY && (seen & bit) !== 0n)) {
        this.#ok = false;
        return;
      }
      seen |= bit;
      const type = PROPERTIES[id]!;
      if (type > 0) this.#keepNumber(id, this.#integer(type));
      else if (type === -1) this.#keepNumber(id, this.#variable());
      else this.#block(id);
      if (type === -2) this.#block(-1);
    }
    if (this.#at !== last) this.#ok = false;
  }

  #connect(): boolean {
    const nameAt = this.#at + 2;
    this.#block(this.#named(CONNECT, "protocol_name"));
    const name = Buffer.from(this.#bytes.subarray(nameAt, this.#at)).toString("latin1").toLowerCase();
    const version = this.#integer(1);
    this.#keepNumber(this.#named(CONNECT, "protocol_version"), version);
    this.version = version;
    const flags = this.#integer(1);
    this.#keepNumber(this.#named(CONNECT, "flags"), flags);
    this.#keepNumber(this.#named(CONNECT, "keepalive"), this.#integer(2));
    if (!this.#ok || !isConnect(name, version, flags)) return false;
    if (version === VERSION_5) this.#properties(CONNECT_PROPERTIES);
    this.#block(this.#named(CONNECT, "client_identifier"));
    if ((flags & FLAG.will) !== 0) {
      if (version === VERSION_5) this.#properties(WILL_PROPERTIES);
      this.#block(this.#named(CONNECT, "will_topic"));
      this.#block(this.#named(CONNECT, "will_payload"));
    }
    if ((flags & FLAG.username) !== 0) this.#block(this.#named(CONNECT, "username"));
    if ((flags & FLAG.password) !== 0) this.#block(this.#named(CONNECT, "password"));
    return this.#ok && this.#at === this.#end;
  }

  #connack(): boolean {
    const flags = this.#integer(1);
    this.#keepNumber(this.#named(CONNACK, "flags"), flags);
    this.#keepNumber(this.#named(CONNACK, "reason_code"), this.#integer(1));
    // Only 5.0 has something behind the two bytes.
    const version = this.#at < this.#end ? VERSION_5 : VERSION_3_1_1;
    this.version = version;
    this.#keepNumber(this.#named(CONNACK, "protocol_version"), version);
    if (version === VERSION_5) this.#properties(CONNACK_PROPERTIES);
    return this.#ok && (flags & 0xfe) === 0 && this.#at === this.#end;
  }
}

/** Name, version and flags fit each other. */
function isConnect(name: string, version: number, flags: number): boolean {
  if (name === "mqisdp" ? version !== VERSION_3_1 : name !== "mqtt" || version < VERSION_3_1_1 || version > VERSION_5) {
    return false;
  }
  if ((flags & 1) !== 0 || (flags & FLAG.willQos) === FLAG.willQos) return false;
  if ((flags & FLAG.will) === 0 && (flags & (FLAG.willQos | FLAG.willRetain)) !== 0) return false;
  return version === VERSION_5 || (flags & (FLAG.username | FLAG.password)) !== FLAG.password;
}

function packetType(text: string): number {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  return PACKETS.indexOf(text.toLowerCase());
}

/** The field's number, -1: the packet has none of that name. */
function fieldNumber(type: number, text: string): number {
  const properties = type === CONNECT ? [...CONNECT_PROPERTIES, ...WILL_PROPERTIES] : [...CONNACK_PROPERTIES];
  if (/^\d{1,3}$/.test(text)) {
    const id = Number(text);
    return id !== USER_PROPERTY && properties.includes(id) ? id : -1;
  }
  const index = (FIELDS[type] ?? []).indexOf(text.toLowerCase());
  return index < 0 ? -1 : FIELD_BASE + index;
}

/** `mqtt_field_value(packettype,field)`. */
export const checkMqttField: ArgumentCheck = (args) => {
  const [packet, name] = [textArgument(args, 0), textArgument(args, 1)];
  const type = packetType(packet);
  if (type !== CONNECT && type !== CONNACK) return `Unsupported MQTT packet type or field name '${packet}'`;
  return fieldNumber(type, name) < 0 ? `Unknown MQTT field name or property '${name}'` : null;
};

const mqttFieldValue: ConverterCompiler = (_, args) => {
  const type = packetType(textArgument(args, 0));
  const wanted = fieldNumber(type, textArgument(args, 1));
  const packet = new Packet();
  return (value) => {
    if (!packet.read(value, type, wanted)) return false;
    if (packet.start >= 0) return setRange(value, packet.start, packet.end, TYPE.bin);
    // Integers that a packet of 5.0 leaves out are 0.
    const isLeftOut = packet.number < 0 && packet.version === VERSION_5 && (PROPERTIES[wanted] ?? 0) > 0;
    if (isLeftOut) packet.number = 0;
    return packet.number >= 0 && setCopy(value, textBytes(String(packet.number)), TYPE.bin);
  };
};

const mqttIsValid: ConverterCompiler = () => {
  const packet = new Packet();
  return (value) => {
    const is = packet.read(value, 0, -1);
    return !packet.isIncomplete && setBool(value, is);
  };
};

/** By name, see converters.table.ts. */
export const MQTT_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  mqtt_field_value: mqttFieldValue,
  mqtt_is_valid: mqttIsValid,
};
