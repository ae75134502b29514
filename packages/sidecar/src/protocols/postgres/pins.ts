import { CountersignError } from "@countersign/policy";

/** Settings of a session by name, as `current_setting` gives them. */
export type Pins = Readonly<Record<string, string>>;

/**
 * The settings that every connection is tied to. They decide how a statement is read (`a\'` ends a literal or not), which tables its names mean,
 * and how values look. Given as start-up options they outrank `ALTER ROLE … SET` and `ALTER DATABASE … SET`, and RESET leads back to them.
 *
 * `pg_temp` comes last: otherwise it is searched first, and a temporary table could stand in for the approved one.
 */
export function pinsOf(searchPath: readonly string[]): Pins {
  return {
    ...readingPinsOf(searchPath),
    DateStyle: "ISO, MDY",
    IntervalStyle: "postgres",
    TimeZone: "UTC",
    bytea_output: "hex",
    extra_float_digits: "1",
    application_name: "countersign",
  };
}

/** Those of them that decide how a statement is read and what it means, which a session lent to a client is tied to. How values look is its own. */
export function readingPinsOf(searchPath: readonly string[]): Pins {
  return {
    standard_conforming_strings: "on",
    backslash_quote: "safe_encoding",
    transform_null_equals: "off",
    client_encoding: "UTF8",
    search_path: [...searchPath, "pg_temp"].map(quoteIdentifier).join(", "),
    session_replication_role: "origin",
  };
}

/** `pg` sends client_encoding by itself. A login may not set session_replication_role at all. */
const notOptions = new Set(["client_encoding", "session_replication_role"]);

/** The start-up parameter `options`: `-c name=value`, where spaces and backslashes are escaped by a backslash. */
export function startupOptions(pins: Pins): string {
  return Object.entries(pins)
    .filter(([name]) => !notOptions.has(name))
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, "\\$&")}`)
    .join(" ");
}

/** The question whose answer {@link checkPins} takes. */
export function pinsQuestion(pins: Pins): string {
  return `select ${Object.keys(pins)
    .map((name) => `current_setting('${name}')`)
    .join(", ")}`;
}

/**
 * Compares a session's settings with the pins: something between us and the server (a pooler, a hook) may have ignored them.
 *
 * @throws {CountersignError} `target_unavailable`, not retryable, naming the first setting that differs.
 */
export function checkPins(pins: Pins, answer: readonly (string | null)[], resource: string): void {
  for (const [index, [name, value]] of Object.entries(pins).entries()) {
    if (answer[index] !== value) {
      const message = `${resource} does not keep the setting ${name} that Countersign asks for (a connection pooler in between?). Connect to PostgreSQL directly.`;
      throw new CountersignError("target_unavailable", message);
    }
  }
}

/** Whether a ParameterStatus shows that a pinned setting has changed (THREATS.md pg-gucs). */
export function drifts(pins: Pins, name: string, value: string, user: string): boolean {
  if (name === "session_authorization") return value !== user;
  const pinned = pins[name];
  return pinned !== undefined && pinned !== value;
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
