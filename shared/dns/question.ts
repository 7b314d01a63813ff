// A question of DNS (RFC 1035 4.1), as resolvers and health checks send it.

const LABEL_BYTES_MAX = 63;
const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const CLASS_IN = 1;

/**
 * A message that asks for one name, recursion desired.
 * @param name labels of more than 63 bytes, which no name has, are cut
 * @param additional a record for the additional section, null: none
 */
export function dnsQuestion(id: number, name: string, type: number, additional: Uint8Array | null = null): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(RECURSION_DESIRED, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(additional === null ? 0 : 1, 10);
  const labels = name.split(".").flatMap((label) => {
    const bytes = Buffer.from(label, "latin1").subarray(0, LABEL_BYTES_MAX);
    return bytes.length === 0 ? [] : [Buffer.of(bytes.length), bytes];
  });
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(type, 1);
  tail.writeUInt16BE(CLASS_IN, 3);
  return Buffer.concat([header, ...labels, tail, ...(additional === null ? [] : [additional])]);
}
