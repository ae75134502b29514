import { isIP } from "node:net";
import { z } from "zod";
import { addressRefusal } from "../request/address-rules.ts";
import { credentialSchema } from "../request/credential.ts";
import { certificateSchema } from "../request/pem.ts";

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "a name of letters, digits, dots, dashes and underscores");
const milliseconds = z.int().min(1);

/** Scheme, host and port, nothing else; numeric forms of addresses come out as the address that they mean (WHATWG URL §3.5). */
const origin = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url !== undefined && url.pathname === "/" && url.search + url.hash + url.username + url.password === "";
  if (isOrigin && (url.protocol === "https:" || url.protocol === "http:")) return url.origin;
  context.addIssue({ code: "custom", message: "an origin: https://HOST or https://HOST:PORT, without a path" });
  return z.NEVER;
});

/** An HTTP API in countersign.yaml. */
export const httpResourceSchema = z
  .strictObject({
    name,
    type: z.literal("http"),
    origin,
    /** The authority that certifies the target; default: the system's authorities. `disable` = plain HTTP. */
    tls: z.union([z.enum(["verify-full", "disable"]), z.strictObject({ ca: certificateSchema })]).default("verify-full"),
    /** Lets the target be on this machine or in a private network. Link-local addresses and metadata services never are targets. */
    allowPrivate: z.boolean().default(false),
    /** Headers with a credential of the caller's own that go on to the target, e.g. `cookie`; no other does. */
    callerCredentials: z.array(z.string().regex(/^[a-z0-9-]+$/, "the name of a header in small letters")).default([]),
    /** OpenAPI documents (3.0, 3.1) that name its operations, relative to the configuration: `http.operation`. */
    openapi: z.array(z.string().min(1)).max(20).default([]),
    /** The path at which it speaks GraphQL: `http.graphql`. */
    graphql: z
      .string()
      .regex(/^(?:\/[A-Za-z0-9._~-]+)+\/?$/, "a path like /graphql")
      .optional(),
    labels: z.record(name, z.string()).default({}),
    /** The credentials that rules choose between. */
    roles: z.record(name, credentialSchema).refine((roles) => Object.keys(roles).length > 0, "at least one role"),
    connections: z
      .strictObject({
        /** At the same time for each role; further requests wait. */
        max: z.int().min(1).max(10_000).default(64),
        idleMs: milliseconds.default(4_000),
        connectTimeoutMs: milliseconds.default(10_000),
        /** How long the target may say nothing. */
        silenceMs: milliseconds.default(300_000),
      })
      .prefault({}),
  })
  .superRefine(({ origin: at, tls, allowPrivate, roles }, context) => {
    const problem = (message: string, ...path: string[]) => context.addIssue({ code: "custom", message, path });
    const isPlain = at.startsWith("http:");
    if (isPlain && tls !== "disable")
      problem("plain HTTP shows credentials and data to everybody on the way; use https://, or say tls: disable", "origin");
    if (!isPlain && tls === "disable") problem("an https:// origin has TLS; leave this out", "tls");
    for (const [role, { certificate }] of Object.entries(roles))
      if (isPlain && certificate !== undefined)
        problem("a certificate is shown inside TLS; use https://", "roles", role, "certificate");
    const host = new URL(at).hostname.replace(/^\[|\]$/g, "");
    const why = isIP(host) === 0 ? undefined : addressRefusal(host, { allowPrivate });
    if (why !== undefined) problem(why, "origin");
  });

/** An HTTP API as configured, defaults filled in. */
export type HttpResource = z.output<typeof httpResourceSchema>;

/** What its configuration cannot promise, one sentence each. */
export function httpWarnings({ name: resource, tls, callerCredentials }: HttpResource): readonly string[] {
  return [
    ...(tls === "disable"
      ? [
          `${resource}: it is reached over plain HTTP; whoever is on the way reads the credential and can change requests and answers.`,
        ]
      : []),
    ...(callerCredentials.length > 0
      ? [
          `${resource}: callers send credentials of their own (${callerCredentials.join(", ")}), so that what they may do there is not bounded by its roles.`,
        ]
      : []),
  ];
}
