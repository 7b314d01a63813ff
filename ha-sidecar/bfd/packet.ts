// BFD control packets (RFC 5880 §4.1), without authentication.
//
//    0               1               2               3
//   +-----+---------+---+-+-+-+-+-+-+---------------+---------------+
//   |vers |  diag   |sta|P|F|C|A|D|M|  detect mult  |    length     |
//   +-----+---------+---+-+-+-+-+-+-+---------------+---------------+
//   | my discriminator · your discriminator · desired min tx · required min rx · required min echo rx (µs, 32 bits each) |

export const BFD_PACKET_BYTES = 24;
const VERSION = 1;
const FLAG_POLL = 0x20;
const FLAG_FINAL = 0x10;
const FLAG_AUTHENTICATION = 0x04;
const FLAG_MULTIPOINT = 0x01;

export const BFD_STATES = ["AdminDown", "Down", "Init", "Up"] as const;
export type BfdState = (typeof BFD_STATES)[number];

/** Why a session went down (§4.1), those that we send. */
export const DIAGNOSTIC = { NONE: 0, EXPIRED: 1, NEIGHBOUR_DOWN: 3, ADMIN_DOWN: 7 } as const;

export interface BfdPacket {
  readonly diagnostic: number;
  readonly state: BfdState;
  readonly poll: boolean;
  readonly final: boolean;
  readonly multiplier: number;
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  readonly minTxMs: number;
  readonly minRxMs: number;
}

/** The packet in `bytes`, or null: the checks of §6.8.6 that need no session, as far as they are the packet's own. */
export function readBfdPacket(bytes: Uint8Array): BfdPacket | null {
  if (bytes.length < BFD_PACKET_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = bytes[1]!;
  const length = bytes[3]!;
  if (bytes[0]! >> 5 !== VERSION || length < BFD_PACKET_BYTES || length > bytes.length) return null;
  // We have no keys: an authenticated packet is not for us. Multipoint is reserved.
  if ((flags & (FLAG_AUTHENTICATION | FLAG_MULTIPOINT)) !== 0) return null;
  const packet: BfdPacket = {
    diagnostic: bytes[0]! & 31,
    state: BFD_STATES[flags >> 6]!,
    poll: (flags & FLAG_POLL) !== 0,
    final: (flags & FLAG_FINAL) !== 0,
    multiplier: bytes[2]!,
    myDiscriminator: view.getUint32(4),
    yourDiscriminator: view.getUint32(8),
    minTxMs: view.getUint32(12) / 1000,
    minRxMs: view.getUint32(16) / 1000,
  };
  const isLost = packet.multiplier === 0 || packet.myDiscriminator === 0 || (packet.poll && packet.final);
  const wantsOurs = packet.yourDiscriminator === 0 && packet.state !== "Down" && packet.state !== "AdminDown";
  return isLost || wantsOurs ? null : packet;
}

export function writeBfdPacket(packet: BfdPacket): Uint8Array {
  const bytes = new Uint8Array(BFD_PACKET_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = (VERSION << 5) | packet.diagnostic;
  bytes[1] = (BFD_STATES.indexOf(packet.state) << 6) | (packet.poll ? FLAG_POLL : 0) | (packet.final ? FLAG_FINAL : 0);
  bytes[2] = packet.multiplier;
  bytes[3] = BFD_PACKET_BYTES;
  view.setUint32(4, packet.myDiscriminator);
  view.setUint32(8, packet.yourDiscriminator);
  view.setUint32(12, packet.minTxMs * 1000);
  view.setUint32(16, packet.minRxMs * 1000);
  return bytes;
}
