import { z } from "zod";
import { credentialSourceSchema } from "../../credentials/source.ts";
import { isLocal, parseAddress } from "./address.ts";

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "a name of letters, digits, dots, dashes and underscores");
const milliseconds = z.int().min(1);

const address = z.string().superRefine((text, context) => {
  try {
    parseAddress(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "not an address" });
  }
});

/** A certificate: PEM text, or a file of it (relative to the configuration). */
const certificate = z.union([
  z.string().includes("-----BEGIN CERTIFICATE-----", "PEM text, or { file: PATH }"),
  z.strictObject({ file: z.string().min(1) }),
]);

const tls = z.union([
  z.enum(["verify-full", "disable"]),
  z.strictObject({
    mode: z.literal("verify-full"),
    /** Default: the system's authorities. */
    ca: certificate.optional(),
    /** The name in the certificate, when it is not the host of the address. */
    serverName: z.string().min(1).optional(),
  }),
]);

/** A login of the database. */
const login = z
  .strictObject({
    user: z.string().min(1),
    password: credentialSourceSchema.optional(),
    /** What it proves itself with inside TLS: its certificate, and its private key as a credential. */
    certificate: z.strictObject({ cert: certificate, key: credentialSourceSchema }).optional(),
  })
  .refine(({ password, certificate }) => password !== undefined || certificate !== undefined, "a password or a certificate");

const schemaName = z
  .string()
  .min(1)
  .refine(
    (text) => !text.startsWith("$") && !text.startsWith("pg_temp"),
    "a schema; $user and pg_temp mean different ones for different logins",
  );

/** A PostgreSQL resource in countersign.yaml. */
export const postgresResourceSchema = z
  .strictObject({
    name,
    type: z.literal("postgres"),
    /** `host:port`, `[IPv6]:port`, or the path of a Unix socket. */
    address,
    database: z.string().min(1),
    tls: tls.default("verify-full"),
    /** Lets `tls: disable` pass for an address that is not on this machine. */
    allowInsecure: z.boolean().default(false),
    /** Where unqualified names are looked up, pinned on every connection; policy qualifies names by it. */
    searchPath: z.array(schemaName).min(1).default(["public"]),
    labels: z.record(name, z.string()).default({}),
    /** The credentials that rules choose between: a PostgreSQL login each. */
    roles: z.record(name, login).refine((roles) => Object.keys(roles).length > 0, "at least one role"),
    /** With which of the roles statements are planned for approvers before anybody votes: a login that can only read. Without it there are no plans. */
    evidence: z.strictObject({ role: name }).optional(),
    /** An unmodified client's operation that has to wait inside of a transaction, whose locks others may wait for: its approvers are warned. */
    holdInTransaction: z.enum(["allow", "warn", "refuse"]).default("warn"),
    pool: z
      .strictObject({
        /** Connections for each role. */
        max: z.int().min(1).max(1000).default(10),
        idleMs: milliseconds.default(300_000),
        lifetimeMs: milliseconds.default(1_800_000),
        connectTimeoutMs: milliseconds.default(10_000),
        /** Connections for unmodified clients, each of whom has one to itself from its first statement on. */
        sessions: z
          .strictObject({
            /** For each role. */
            max: z.int().min(1).max(10_000).default(50),
            /** For each role and principal. */
            perPrincipal: z.int().min(1).max(10_000).default(25),
            /** Whether one is ended after its client, instead of being cleaned for another. */
            exclusive: z.boolean().default(false),
          })
          .prefault({}),
      })
      .prefault({}),
  })
  .superRefine(({ roles, evidence }, context) => {
    const planner = evidence && roles[evidence.role];
    if (evidence === undefined) return;
    const problem = (message: string) => context.addIssue({ code: "custom", path: ["evidence", "role"], message });
    if (planner === undefined) return problem(`there is no role ${evidence.role}; use one of ${Object.keys(roles).join(", ")}`);
    // It must not be able to do what is waiting for approval.
    const sharing = Object.entries(roles).find(([role, { user }]) => role !== evidence.role && user === planner.user);
    if (sharing)
      problem(`its login is also that of the role ${sharing[0]}; evidence needs a login of its own that can only read`);
  })
  .superRefine(({ tls: mode, roles }, context) => {
    for (const [role, { certificate: shown }] of Object.entries(roles)) {
      if (mode !== "disable" || shown === undefined) continue;
      const message = "a certificate is shown inside TLS; use tls: verify-full, or a password";
      context.addIssue({ code: "custom", path: ["roles", role, "certificate"], message });
    }
  })
  .superRefine(({ tls: mode, address: text, allowInsecure }, context) => {
    if (mode !== "disable" || allowInsecure) return;
    try {
      if (isLocal(parseAddress(text))) return;
    } catch {
      // Said already, at the address.
      return;
    }
    const message =
      "without TLS anybody on the way can read and change what is sent to this address; use verify-full, or set allowInsecure: true";
    context.addIssue({ code: "custom", path: ["tls"], message });
  });

/** A PostgreSQL resource as configured, defaults filled in. */
export type PostgresResource = z.output<typeof postgresResourceSchema>;
