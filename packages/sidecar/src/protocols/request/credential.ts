import { CountersignError } from "@countersign/policy";
import type { Pool } from "undici";
import { z } from "zod";
import {
  type CredentialContext,
  type CredentialSource,
  credentialSourceSchema,
  openCredential,
} from "../../credentials/source.ts";
import type { WholeRequest } from "./exchange.ts";
import type { Field } from "./fields.ts";
import { AccessTokens, type OAuth2Config, oauth2Schema } from "./oauth2.ts";
import { certificateSchema, readCertificate } from "./pem.ts";
import { type SigningKey, signatureFields, signatureOf, signatureParameters, sigv4Schema } from "./sigv4.ts";

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
    /** A signature over each request (AWS Signature Version 4). */
    sigv4: sigv4Schema.optional(),
    /** A client certificate, shown inside TLS; alone, or beside one of the others. */
    certificate: z.strictObject({ cert: certificateSchema, key: credentialSourceSchema }).optional(),
  })
  .superRefine((value, context) => {
    const ways = (["bearer", "basic", "header", "query", "oauth2", "sigv4"] as const).filter((way) => value[way] !== undefined);
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
  /** What is made for exactly what is sent, when all of it is known. */
  readonly sign?: (request: WholeRequest) => Pick<Injected, "fields" | "secrets">;
}

/** The credential of one role. */
export interface TargetCredential {
  /** What is approved about it: its way, and names that are no secrets. */
  readonly shown: string;
  /** By lower-case name: what nobody else may send. */
  readonly fields?: readonly string[];
  readonly parameters?: readonly string[];
  /** @throws {CountersignError} `target_credentials`. */
  read(): Promise<Injected>;
  /** @throws {CountersignError} `target_credentials`. */
  readonly certificate?: () => Promise<{ readonly cert: string; readonly key: string }>;
}

/** What credentials of a resource's roles are opened with. */
export interface TargetCredentialContext extends CredentialContext {
  /** Of the target: signatures are for one host. */
  readonly origin: string;
  /** Opens connections to where tokens come from. */
  readonly poolTo: (origin: string) => Pool;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since the Unix epoch, which signatures name. */
  readonly clock: () => number;
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

function wayOf(config: CredentialConfig, context: TargetCredentialContext): TargetCredential {
  const { bearer, basic, header, query, oauth2, sigv4 } = config;
  if (oauth2 !== undefined) return withTokens(oauth2, context);
  if (sigv4 !== undefined) return withSignature(sigv4, context);
  const inField = (
    shown: string,
    field: string,
    source: CredentialSource,
    written: (secret: string) => string,
    more: (secret: string) => readonly string[] = () => [],
  ) => ({
    ...{ shown, fields: [field.toLowerCase()] },
    read: async () => {
      const secret = (await source.read()).reveal();
      const value = checked(written(secret), `the header ${field}`);
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
    ...{ shown: `query ${query.name}`, parameters: [query.name.toLowerCase()] },
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
    ...{ shown: [`oauth2 ${clientId} of ${tokenUrl}`, ...extent].join(" "), fields: ["authorization"] },
    read: async () => {
      const got = await tokens.read();
      return { fields: [["authorization", `Bearer ${got.token}`]], secrets: [got.token, got.secret] };
    },
  };
}

function withSignature(config: z.output<typeof sigv4Schema>, context: TargetCredentialContext): TargetCredential {
  const { region, service } = config;
  const { host } = new URL(context.origin);
  const read = async (source: CredentialSource) => checked((await source.read()).reveal(), "signatures");
  const id = openCredential(config.accessKeyId, context);
  const secret = openCredential(config.secretAccessKey, context);
  const token = config.sessionToken && openCredential(config.sessionToken, context);
  return {
    ...{ shown: `sigv4 ${service} in ${region}`, fields: signatureFields, parameters: signatureParameters },
    read: async () => {
      const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all([read(id), read(secret), token && read(token)]);
      const key: SigningKey = { region, service, accessKeyId, secretAccessKey };
      return {
        fields: [],
        secrets: [accessKeyId, secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])],
        sign: (request) => {
          const { fields, signature } = signatureOf(request, { ...key, host, sessionToken }, context.clock());
          // Whoever had it back could send the same request again for a quarter of an hour.
          return { fields, secrets: [signature] };
        },
      };
    },
  };
}

/** A line break in it would make another header of the rest. */
function checked(value: string, where: string): string {
  if (/^[\t -~]+$/.test(value)) return value;
  throw new CountersignError(
    "target_credentials",
    `The credential for ${where} holds a line break or a character that is not ASCII; store it again.`,
  );
}
