import { CountersignError } from "@countersign/policy";
import type { Pool } from "undici";
import { z } from "zod";
import {
  type CredentialContext,
  type CredentialSource,
  credentialSourceSchema,
  openCredential,
} from "../../credentials/source.ts";
import type { Field } from "./fields.ts";
import { AccessTokens, type OAuth2Config, oauth2Schema } from "./oauth2.ts";
import { certificateSchema, readCertificate } from "./pem.ts";

const fieldName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,100}$/, "the name of a header: letters, digits and dashes")
  .refine(
    (name) => !/^(?:host|connection|content-length|transfer-encoding|upgrade|te|trailer|expect|keep-alive)$/i.test(name),
    "a header that says where a request ends or whom it is for cannot be a credential",
  );

/** How one role proves itself to the target; `{}` = not at all. */
export const credentialSchema = z
  .strictObject({
    /** `Authorization: Bearer …` (RFC 6750). */
    bearer: credentialSourceSchema.optional(),
    /** `Authorization: Basic …` (RFC 7617). */
    basic: z
      .strictObject({ user: z.string().regex(/^[^:\p{Cc}]+$/u, "a name without a colon"), password: credentialSourceSchema })
      .optional(),
    /** A header of the API's own, e.g. `x-api-key`. */
    header: z.strictObject({ name: fieldName, value: credentialSourceSchema }).optional(),
    /** A parameter of the query. */
    query: z
      .strictObject({
        name: z.string().regex(/^[A-Za-z0-9_.~-]{1,100}$/, "the name of a parameter"),
        value: credentialSourceSchema,
      })
      .optional(),
    /** A bearer token that is got with a client's credentials (RFC 6749 §4.4), and kept as long as it is good. */
    oauth2: oauth2Schema.optional(),
    /** A client certificate, shown inside TLS; alone, or beside one of the others. */
    certificate: z.strictObject({ cert: certificateSchema, key: credentialSourceSchema }).optional(),
  })
  .superRefine((value, context) => {
    const ways = (["bearer", "basic", "header", "query", "oauth2"] as const).filter((way) => value[way] !== undefined);
    if (ways.length > 1) context.addIssue({ code: "custom", message: `${ways.join(" and ")} exclude each other; keep one` });
  });

/** A checked {@link credentialSchema}. */
export type CredentialConfig = z.output<typeof credentialSchema>;

/** What goes with one request, read anew for it. */
interface Injected {
  readonly fields: readonly Field[];
  /** `name=value`, encoded. */
  readonly query?: string;
  /** What must not come back. */
  readonly secrets: readonly string[];
}

/** The credential of one role. */
export interface TargetCredential {
  /** What is approved about it: its way, and names that are no secrets. */
  readonly shown: string;
  /** By lower-case name: what nobody else may send. */
  readonly field?: string;
  readonly parameter?: string;
  /** @throws {CountersignError} `target_credentials`. */
  read(): Promise<Injected>;
  /** @throws {CountersignError} `target_credentials`. */
  readonly certificate?: () => Promise<{ readonly cert: string; readonly key: string }>;
}

/** What credentials of a resource's roles are opened with. */
export interface TargetCredentialContext extends CredentialContext {
  /** Opens connections to where tokens come from. */
  readonly poolTo: (origin: string) => Pool;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/**
 * Opens the credential of a role; nothing secret is read yet.
 *
 * @throws {Error} when the file of a certificate cannot be read.
 */
export function openTargetCredential(config: CredentialConfig, context: TargetCredentialContext): TargetCredential {
  const { certificate } = config;
  const way = wayOf(config, context);
  if (certificate === undefined) return way;
  const cert = readCertificate(certificate.cert, context.folder);
  const key = openCredential(certificate.key, context);
  return {
    ...way,
    shown: way.shown === "none" ? "certificate" : `certificate, ${way.shown}`,
    certificate: async () => ({ cert, key: (await key.read()).reveal() }),
  };
}

function wayOf({ bearer, basic, header, query, oauth2 }: CredentialConfig, context: TargetCredentialContext): TargetCredential {
  if (oauth2 !== undefined) return withTokens(oauth2, context);
  const inField = (
    shown: string,
    field: string,
    source: CredentialSource,
    written: (secret: string) => string,
    more: (secret: string) => readonly string[] = () => [],
  ) => ({
    ...{ shown, field: field.toLowerCase() },
    read: async () => {
      const secret = (await source.read()).reveal();
      const value = checked(written(secret), field);
      return { fields: [[field, value]] as const, secrets: [secret, ...more(secret)] };
    },
  });
  if (bearer !== undefined)
    return inField("bearer", "authorization", openCredential(bearer, context), (token) => `Bearer ${token}`);
  if (basic !== undefined) {
    const { user } = basic;
    const pair = (password: string) => Buffer.from(`${user}:${password}`).toString("base64");
    return inField(
      `basic ${user}`,
      "authorization",
      openCredential(basic.password, context),
      (word) => `Basic ${pair(word)}`,
      (word) => [pair(word)],
    );
  }
  if (header !== undefined)
    return inField(`header ${header.name.toLowerCase()}`, header.name, openCredential(header.value, context), (value) => value);
  if (query === undefined) return { shown: "none", read: async () => ({ fields: [], secrets: [] }) };
  const source = openCredential(query.value, context);
  return {
    ...{ shown: `query ${query.name}`, parameter: query.name.toLowerCase() },
    read: async () => {
      const secret = (await source.read()).reveal();
      return {
        fields: [],
        query: `${encodeURIComponent(query.name)}=${encodeURIComponent(secret.toWellFormed())}`,
        secrets: [secret],
      };
    },
  };
}

function withTokens(config: OAuth2Config, context: TargetCredentialContext): TargetCredential {
  const { tokenUrl, clientId, clientSecret, scope, audience } = config;
  const { origin } = new URL(tokenUrl);
  const secret = openCredential(clientSecret, context);
  const tokens = new AccessTokens({ config, secret, pool: context.poolTo(origin), now: context.now });
  const extent = [scope && `for ${scope}`, audience && `at ${audience}`].filter((part) => part !== undefined);
  return {
    ...{ shown: [`oauth2 ${clientId} of ${tokenUrl}`, ...extent].join(" "), field: "authorization" },
    read: async () => {
      const got = await tokens.read();
      return { fields: [["authorization", `Bearer ${got.token}`]], secrets: [got.token, got.secret] };
    },
  };
}

/** A line break in it would make another header of the rest. */
function checked(value: string, field: string): string {
  if (/^[\t -~]+$/.test(value)) return value;
  throw new CountersignError(
    "target_credentials",
    `The credential for the header ${field} holds a line break or a character that is not ASCII; store it again.`,
  );
}
