/** Unit → how many of the smallest unit. */
type Units = Readonly<Record<string, number>>;

const byteUnits: Units = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const timeUnits: Units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Bytes from `10MB`, `512KiB` or a plain number of bytes; undefined when it is neither, or less than one. */
export function parseBytes(value: string | number): number | undefined {
  return typeof value === "number" ? positive(value) : parseQuantity(value, byteUnits);
}

/** Milliseconds from `500ms`, `30s`, `5m`, `1h30m` or `2d`; undefined when it is none of these, or less than one. */
export function parseDuration(value: string): number | undefined {
  const parts = value.match(/\d+[a-z]+/g);
  if (parts === null || parts.join("") !== value) return undefined;
  let sum = 0;
  for (const part of parts) {
    const milliseconds = parseQuantity(part, timeUnits);
    if (milliseconds === undefined) return undefined;
    sum += milliseconds;
  }
  return positive(sum);
}

function parseQuantity(text: string, units: Units): number | undefined {
  const [, digits = "", unit = ""] = /^(\d{1,15}) ?([A-Za-z]*)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : positive(Number(digits) * factor);
}

function positive(value: number): number | undefined {
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
