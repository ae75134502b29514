/** A size: `0 B`, `512 B`, `10 MB`, `1.5 MB` (powers of 1000, as policy files count). */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Bytes as hex in groups of four: `de ad be ef  00 01`. Every byte is shown. */
export function hex(bytes: Uint8Array): string {
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  const groups: string[] = [];
  for (let at = 0; at < pairs.length; at += 4) groups.push(pairs.slice(at, at + 4).join(" "));
  return groups.join("  ");
}

/** A digest's first twelve hex digits, for recognising it; the whole one is always at hand beside it. */
export function shortDigest(digest: string): string {
  const digits = digest.startsWith("sha256:") ? digest.slice(7) : digest;
  return digits.length > 12 ? digits.slice(0, 12) : digits;
}
