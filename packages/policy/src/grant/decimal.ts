/** Plain decimal notation: ASCII digits, no sign but `-`, no leading zeros, no exponent, no blanks. What else PostgreSQL reads as a number is none here. */
const plain = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

/** Longer ones are not compared: making a whole number of a text takes time with the square of its length. */
const longest = 100;

/** Whether a text is a number in plain decimal notation of at most 100 characters. */
export function isDecimal(text: string): boolean {
  return text.length <= longest && plain.test(text);
}

/** Whether a text is a number between two others, both included; exact, without floating point. False where any of them is not a number. */
export function isBetween(text: string, min: string, max: string): boolean {
  if (![text, min, max].every(isDecimal)) return false;
  return compare(min, text) <= 0 && compare(text, max) <= 0;
}

function compare(left: string, right: string): number {
  const digits = Math.max(fraction(left).length, fraction(right).length);
  const [a, b] = [scaled(left, digits), scaled(right, digits)];
  return a < b ? -1 : a > b ? 1 : 0;
}

function fraction(text: string): string {
  return plain.exec(text)?.[3] ?? "";
}

/** The number times ten to the power of `digits`. */
function scaled(text: string, digits: number): bigint {
  const [, sign = "", whole = "0"] = plain.exec(text) ?? [];
  return BigInt(`${sign}${whole}${fraction(text).padEnd(digits, "0")}`);
}
