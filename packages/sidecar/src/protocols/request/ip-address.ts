import { isIP } from "node:net";

/** An address as its bytes: 4 or 16 of them. */
type Bytes = readonly number[];

/**
 * The bytes of an IP address in text; an IPv6 address that stands for an IPv4 one (mapped, compatible, NAT64, 6to4) as that one's.
 * Undefined for what is no address.
 */
export function ipBytes(text: string): Bytes | undefined {
  const [address = ""] = text.split("%", 1);
  const family = isIP(address);
  if (family === 4) return address.split(".").map(Number);
  return family === 6 ? embedded(v6Bytes(address)) : undefined;
}

function v6Bytes(address: string): Bytes {
  const [head = "", tail] = address.split("::");
  const before = groupBytes(head);
  if (tail === undefined) return before;
  const after = groupBytes(tail);
  return [...before, ...Array.from({ length: 16 - before.length - after.length }, () => 0), ...after];
}

function groupBytes(text: string): Bytes {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** Where in an IPv6 address an IPv4 one stands, by what is in front of it. */
const embeddings: readonly { readonly prefix: Bytes; readonly at: number }[] = [
  // ::ffff:0:0/96, mapped (RFC 4291 §2.5.5.2), and ::ffff:0:0:0/96, translated (RFC 2765 §2.1).
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], at: 12 },
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], at: 12 },
  // 64:ff9b::/96, NAT64 (RFC 6052 §2.1).
  { prefix: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], at: 12 },
  // 2002::/16, 6to4 (RFC 3056 §2).
  { prefix: [0x20, 0x02], at: 2 },
];

function embedded(bytes: Bytes): Bytes {
  const found = embeddings.find(({ prefix }) => prefix.every((byte, index) => bytes[index] === byte));
  if (found !== undefined) return bytes.slice(found.at, found.at + 4);
  // ::/96, compatible (RFC 4291 §2.5.5.1), but for :: and ::1.
  const isCompatible =
    bytes.slice(0, 12).every((byte) => byte === 0) && bytes.slice(12).some((byte, index) => byte > (index === 3 ? 1 : 0));
  return isCompatible ? bytes.slice(12) : bytes;
}

/** Whether an address lies in a network, both of the same length. */
export function isWithin(address: Bytes, network: Bytes, bits: number): boolean {
  if (address.length !== network.length) return false;
  return network.every((byte, index) => {
    const mask = 0xff & (0xff00 >> Math.min(Math.max(bits - 8 * index, 0), 8));
    return ((address[index] ?? 0) & mask) === (byte & mask);
  });
}
