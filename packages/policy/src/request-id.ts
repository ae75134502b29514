/** Crockford's base32: no I, L, O and U. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * A request id: `req_` and 26 characters, of which the first 10 are the time in milliseconds and the other 16 are 80 random bits, as in a
 * ULID. Sorts by time as text.
 *
 * @throws {RangeError} when the time does not fit into 48 bits or fewer than 10 random bytes are given.
 */
export function newRequestId(nowMs: number, randomBytes: Uint8Array): string {
  if (!Number.isInteger(nowMs) || nowMs < 0 || nowMs >= 2 ** 48) throw new RangeError(`Not a time in milliseconds: ${nowMs}`);
  if (randomBytes.length < 10) throw new RangeError(`A request id needs 10 random bytes, ${randomBytes.length} were given`);
  const random = randomBytes.subarray(0, 10).reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
  return `req_${base32(BigInt(nowMs), 10)}${base32(random, 16)}`;
}

function base32(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest >>= 5n) text = `${alphabet[Number(rest & 31n)]}${text}`;
  return text;
}
