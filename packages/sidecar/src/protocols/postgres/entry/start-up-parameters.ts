import { parseOptions } from "./start-up-options.ts";
import { StartUpRefusal } from "./start-up-refusal.ts";

/** What a client asked for at start-up. */
export interface StartUpParameters {
  /** The role of the resource; empty when none was named. */
  readonly user: string;
  /** The resource; a server takes the user's name when none was named, and so is it here. */
  readonly database: string;
  readonly applicationName: string;
  /** From `-c countersign.reason=…`; empty when none was given. */
  readonly reason: string;
  /** Settings of the session by their canonical names, application_name among them. */
  readonly settings: Readonly<Record<string, string>>;
  /** Protocol extensions that nobody here knows (`_pq_.*`). */
  readonly unknownExtensions: readonly string[];
}

/** The settings that a client may begin its session with: none of them changes how a statement is read (THREATS.md pg-gucs). */
const allowed = new Map(
  [
    "application_name",
    "DateStyle",
    "TimeZone",
    "IntervalStyle",
    "extra_float_digits",
    "bytea_output",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
  ].map((name) => [name.toLowerCase(), name]),
);
/** What clients say that their text is. SQL_ASCII is what libpq makes of a machine without a locale: bytes as they are. */
const acceptedEncodings = new Set(["utf8", "unicode", "sqlascii"]);
const extensionPrefix = "_pq_.";
const reasonName = "countersign.reason";

/** What to do instead, for those that people ask for. */
const advice: Readonly<Record<string, string>> = {
  search_path:
    "The search path is pinned: it is `searchPath` of the resource in countersign.yaml. Or write names with their schema.",
  role: "Connect as another role of the resource (user=ROLE) instead.",
  session_authorization: "Connect as another role of the resource (user=ROLE) instead.",
  standard_conforming_strings: "It is pinned to on: backslashes in '…' are plain characters; write E'…' for escapes.",
  backslash_quote: "It is pinned to safe_encoding: write '' for a quote.",
};

/**
 * Reads the parameters of a StartupMessage.
 *
 * @throws {StartUpRefusal} for one that is not accepted, saying what to do.
 */
export function parseStartUp(parameters: ReadonlyMap<string, string>): StartUpParameters {
  const settings: Record<string, string> = {};
  const read = { user: "", database: "", reason: "" };
  const unknownExtensions: string[] = [];
  const set = (name: string, value: string): void => {
    const known = allowed.get(name.toLowerCase());
    if (known !== undefined) settings[known] = value;
    else if (name.toLowerCase() === "client_encoding") checkEncoding(value);
    else if (name.toLowerCase() === reasonName) read.reason = value;
    else throw notAccepted(name);
  };
  // First, as a server does: a parameter of its own outranks the same one among the options.
  for (const [name, value] of parseOptions(parameters.get("options") ?? "")) set(name, value);
  for (const [name, value] of parameters) {
    if (name === "options") continue;
    if (name === "user" || name === "database") read[name] = value;
    else if (name === "replication") checkReplication(value);
    else if (name.startsWith(extensionPrefix)) unknownExtensions.push(name);
    else set(name, value);
  }
  const { application_name: applicationName = "" } = settings;
  return { ...read, database: read.database || read.user, applicationName, settings, unknownExtensions };
}

/** A walsender takes commands that no parser of statements knows, and gives out every change of every table. */
function checkReplication(value: string): void {
  if (/^(false|off|no|0)$/i.test(value)) return;
  throw new StartUpRefusal("0A000", "replication connections are not accepted", "Connect to PostgreSQL itself to replicate.");
}

/** Statements are classified as the UTF-8 that they are; in another encoding the server could read other ones (THREATS.md pg-gucs). */
function checkEncoding(value: string): void {
  if (acceptedEncodings.has(value.toLowerCase().replace(/[^a-z0-9]/g, ""))) return;
  const message = `client_encoding ${JSON.stringify(value)} is not accepted`;
  throw new StartUpRefusal(
    "22023",
    message,
    "Use UTF8: set PGCLIENTENCODING=UTF8, or client_encoding=UTF8 in the connection string.",
  );
}

function notAccepted(name: string): StartUpRefusal {
  const shown = JSON.stringify(name.slice(0, 100));
  const hint =
    advice[name.toLowerCase()] ??
    `Leave it out, and SET it in the session if the policy lets you. Accepted are ${[...allowed.values()].join(", ")} and client_encoding.`;
  return new StartUpRefusal("42501", `startup parameter ${shown} is not accepted`, hint);
}
