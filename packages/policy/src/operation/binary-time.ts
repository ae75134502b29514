/** Days from 1970-01-01 to 2000-01-01, from which PostgreSQL counts. */
const epochDays = 10_957;
const dayUs = 86_400_000_000n;
const [mostInt32, leastInt32] = [2 ** 31 - 1, -(2 ** 31)];
const [mostInt64, leastInt64] = [2n ** 63n - 1n, -(2n ** 63n)];

/** A date from days since 2000-01-01 (`date_send`), in ISO style; undefined beyond what a `Date` holds. */
export function binaryDate(days: number): string | undefined {
  if (days === mostInt32) return "infinity";
  if (days === leastInt32) return "-infinity";
  const shown = dateParts(days);
  return shown && `${shown.date}${shown.era}`;
}

/** A time of day from microseconds (`time_send`); undefined for what is none. */
export function binaryTime(us: bigint): string | undefined {
  if (us < 0n || us > dayUs) return undefined;
  const two = (value: bigint) => String(value).padStart(2, "0");
  const fraction = String(us % 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  const seconds = us / 1_000_000n;
  const clock = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return fraction === "" ? clock : `${clock}.${fraction}`;
}

/** A moment from microseconds since 2000-01-01 (`timestamp_send`), followed by its zone. */
export function binaryTimestamp(us: bigint, zone: string): string | undefined {
  if (us === mostInt64) return "infinity";
  if (us === leastInt64) return "-infinity";
  const ofDay = ((us % dayUs) + dayUs) % dayUs;
  const shown = dateParts(Number((us - ofDay) / dayUs));
  return shown && `${shown.date} ${binaryTime(ofDay)}${zone}${shown.era}`;
}

function dateParts(days: number): { readonly date: string; readonly era: string } | undefined {
  const date = new Date((days + epochDays) * 86_400_000);
  if (Number.isNaN(date.getTime())) return undefined;
  const year = date.getUTCFullYear();
  const shown = year > 0 ? year : 1 - year;
  const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()].map((part) => String(part).padStart(2, "0"));
  return { date: `${String(shown).padStart(4, "0")}-${month}-${day}`, era: year > 0 ? "" : " BC" };
}
