import { existsSync } from "node:fs";
import { join } from "node:path";
import { openKeys, openPayload, openSqliteLogSource, type SqliteLogSource } from "@countersign/control";
import type { HttpApi, RecordedAction } from "@countersign/policy";
import { type ConfiguredResource, readHttpApi } from "@countersign/sidecar";
import { z } from "zod";
import type { Config } from "./config/load.ts";
import { CliError, exitCodes } from "./exit.ts";
import { type Asked, readAsked, readShared } from "./recorded-payload.ts";

/** What one record of the log says about an action. */
export type Recorded =
  | { readonly kind: "action"; readonly action: RecordedAction }
  /** An action that cannot be replayed: its payload was erased, cannot be opened, or was too large to keep. */
  | { readonly kind: "erased" | "unreadable" | "not-kept" }
  /** An action on a resource that the configuration does not have any more. */
  | { readonly kind: "not-configured"; readonly resource: string }
  /** A call that was refused for what no rule says, e.g. too many requests at once. */
  | { readonly kind: "undecided" }
  /** About something else: a vote, an outcome, a start. */
  | { readonly kind: "other" };

/** Which part of the log is read; milliseconds since the Unix epoch. */
export interface Period {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Clocks are set back, and several writers append to one log: so much earlier than its neighbours a record may stand. */
const disorderMs = 3_600_000;

/**
 * Reads the actions of a period from a data folder's audit log, oldest first: requests, executions that were allowed at once, and refusals. For
 * reading only; whoever writes the log may go on.
 *
 * @throws {CliError} usage, when the folder has no log or not the key to its payloads.
 */
export async function* readRecordedActions(folder: string, config: Config, period: Period): AsyncGenerator<Recorded> {
  const file = join(folder, "audit.db");
  // Opening the keys makes those that are missing; no payload opens with a new one.
  if (!existsSync(file) || !existsSync(join(folder, "keys", "payload.key"))) {
    throw new CliError(
      exitCodes.usage,
      `There is no audit log with its keys in ${folder}. Name the data folder with --data or COUNTERSIGN_DATA.`,
    );
  }
  const key = openKeys(folder).payload;
  const source = openSqliteLogSource(file);
  try {
    const reader = new ActionReader(source, key, config);
    for await (const { index, bytes } of source.records(await firstSince(source, period.sinceMs - disorderMs))) {
      const record = parseRecord(bytes);
      const timeMs = Date.parse(record?.time ?? "");
      if (record && timeMs >= period.sinceMs && timeMs < period.untilMs) yield* reader.read(index, record, timeMs);
      else yield { kind: "other" };
    }
  } finally {
    source.close();
  }
}

type HttpResource = Extract<ConfiguredResource, { type: "http" }>;

const texts = z.array(z.string());
const number = z.number().exactOptional();
const limits = z.object({ rows: number, bytes: number, timeMs: number, masks: texts.exactOptional() });
const target = z.object({ searchPath: z.string().optional() });

const recordSchema = z.object({
  type: z.string(),
  time: z.string(),
  request: z.string().optional(),
  resource: z.string().optional(),
  principal: z.object({ issuer: z.string(), subject: z.string(), groups: texts }).optional(),
  payload: z.object({ hash: z.string(), size: z.number() }).optional(),
  detail: z
    .object({
      code: z.string(),
      effect: z.enum(["allow", "deny", "review", "grant", "plan"]),
      rules: texts,
      grant: z.string(),
      role: z.string(),
      /** Of a shared record. */
      ...{ part: z.int(), firstMs: z.number(), connection: z.string() },
      ...{ limits, target },
      /** Of a plan: what was decided on each line. */
      lines: z.array(
        z.object({ resource: z.string(), effect: z.enum(["allow", "review"]), rules: texts, role: z.string(), limits, target }),
      ),
      requirements: z.array(
        z.object({
          rule: z.string(),
          stages: z.array(
            z.object({
              approvers: texts,
              count: z.number(),
              escalate: z.array(z.object({ afterMs: z.number(), to: texts })).exactOptional(),
            }),
          ),
          breakGlass: z.object({ approvers: texts, reviewWithinMs: z.number() }).exactOptional(),
        }),
      ),
    })
    .partial()
    .optional(),
});

type ParsedRecord = z.infer<typeof recordSchema>;

function parseRecord(bytes: Uint8Array): ParsedRecord | undefined {
  return recordSchema.safeParse(parseJson(bytes)).data;
}

/** By bisection: the records stand nearly in the order of their times. */
async function firstSince(source: SqliteLogSource, timeMs: number): Promise<number> {
  let [low, high] = [0, source.size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const time = await timeOf(source, middle);
    if (time < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function timeOf(source: SqliteLogSource, index: number): Promise<number> {
  for await (const { bytes } of source.records(index)) return Date.parse(parseRecord(bytes)?.time ?? "");
  return Number.NaN;
}

/** Refusals of a classifier: no rule was asked, but what was refused can be classified again. */
const notUnderstood = ["invalid_operation", "invalid_parameter", "operation_too_large"];
/** Requests whose intent is awaited, so that it is not counted twice; each is short. */
const maxAwaited = 100_000;

class ActionReader {
  readonly #source: SqliteLogSource;
  readonly #key: Uint8Array;
  readonly #resources: ReadonlyMap<string, ConfiguredResource>;
  /** Where the documents of HTTP APIs are. */
  readonly #folder: string;
  readonly #apis = new Map<string, HttpApi>();
  /** Allowed actions that are requests: their intent, which follows, has the payload too. */
  readonly #awaited = new Set<string>();

  constructor(source: SqliteLogSource, key: Uint8Array, config: Config) {
    this.#source = source;
    this.#key = key;
    this.#folder = config.path(".");
    this.#resources = new Map(config.settings.resources.map((resource) => [resource.name, resource]));
  }

  /** What a record says of actions: one, or those of a plan's lines. */
  read(index: number, record: ParsedRecord, timeMs: number): readonly Recorded[] {
    if (record.type === "statements") return this.#readShared(index, record);
    if (!this.#isAction(record)) return [{ kind: "other" }];
    const { lines, requirements, ...rest } = record.detail ?? {};
    if (lines === undefined) return [this.#read(index, record, timeMs)];
    return lines.map(({ resource, ...line }, place) => {
      const asked = requirements?.filter(({ rule }) => line.effect === "review" && line.rules.includes(rule));
      return this.#read(
        index,
        { ...record, resource, detail: { ...rest, ...line, ...(asked && { requirements: asked }) } },
        timeMs,
        place,
      );
    });
  }

  /** Operations of one connection that were allowed. Those of a second part are in the first one too. */
  #readShared(index: number, record: ParsedRecord): readonly Recorded[] {
    const { part, firstMs = 0, connection } = record.detail ?? {};
    if (part !== 1) return [{ kind: "other" }];
    const found = this.#payload(index, record);
    if ("kind" in found) return [found];
    const asked = readShared(found.payload, connection);
    if (asked === undefined) return [{ kind: "unreadable" }];
    return asked.map(({ atMs, ...one }) => found.action(one, firstMs + atMs));
  }

  #read(index: number, record: ParsedRecord, timeMs: number, line?: number): Recorded {
    const { detail = {} } = record;
    if (detail.effect === undefined && !notUnderstood.includes(detail.code ?? "")) return { kind: "undecided" };
    const found = this.#payload(index, record);
    if ("kind" in found) return found;
    const asked = readAsked(found.payload, line);
    if (asked === undefined) return { kind: "unreadable" };
    // A refused plan: its record says nothing of its lines.
    return asked === "plan" ? { kind: "undecided" } : found.action(asked, timeMs);
  }

  /** What a record's payload says, and how what it asks for becomes an action with all else that the record says; or why neither can be told. */
  #payload(index: number, record: ParsedRecord): Opened | Recorded {
    const { detail = {}, principal, resource: name = "", payload: commitment } = record;
    const resource = this.#resources.get(name);
    if (resource === undefined || principal === undefined) return { kind: "not-configured", resource: name };
    if (commitment === undefined) return { kind: "not-kept" };
    const sealed = this.#source.sealedPayload(index);
    if (sealed === undefined) return { kind: "erased" };
    const { effect = "deny", rules = [], role, limits, requirements } = detail;
    const was = {
      // By a grant ran what a rule holds for review.
      effect: effect === "grant" || effect === "plan" ? ("review" as const) : effect,
      rules,
      ...(role === undefined ? {} : { role }),
      ...(limits && { limits }),
      ...(requirements && { requirements }),
    };
    const { type, labels, roles } = resource;
    const about = {
      resource: { name, type, labels, roles: Object.keys(roles) },
      ...(resource.type === "http" && { api: this.#apiOf(resource) }),
      searchPath: pinned(detail.target?.searchPath) ?? (resource.type === "postgres" ? resource.searchPath : []),
    };
    return {
      payload: opened(this.#key, sealed, commitment),
      action: (asked, timeMs) => ({ kind: "action", action: { ...asked, ...about, principal, timeMs, was } }),
    };
  }

  #apiOf(resource: HttpResource): HttpApi {
    const known = this.#apis.get(resource.name) ?? readHttpApi(resource, this.#folder);
    this.#apis.set(resource.name, known);
    return known;
  }

  #isAction({ type, request = "", payload, detail }: ParsedRecord): boolean {
    if (type === "refusal") return detail?.code !== undefined;
    if (type === "intent") return payload !== undefined && !this.#awaited.delete(request);
    if (type !== "request") return false;
    if (detail?.effect === "allow" || detail?.grant !== undefined) this.#await(request);
    return true;
  }

  #await(request: string): void {
    this.#awaited.add(request);
    const [oldest] = this.#awaited;
    if (this.#awaited.size > maxAwaited && oldest !== undefined) this.#awaited.delete(oldest);
  }
}

interface Opened {
  /** JSON; undefined when it was changed or sealed under another key. */
  readonly payload: unknown;
  action(asked: Asked, timeMs: number): Recorded;
}

function opened(key: Uint8Array, sealed: Uint8Array, commitment: { hash: string; size: number }): unknown {
  try {
    return parseJson(openPayload(key, sealed, commitment));
  } catch {
    return undefined;
  }
}

/** The search_path as a target's identity holds it: a JSON list. */
function pinned(text: string | undefined): readonly string[] | undefined {
  return text === undefined ? undefined : texts.safeParse(parseJson(Buffer.from(text))).data;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
