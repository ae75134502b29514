import { parsePublicKey } from "@countersign/policy";
import { resourceSchema } from "@countersign/sidecar";
import { z } from "zod";
import { httpListenSchema } from "./http-listen.ts";
import { kubernetesListenSchema } from "./kubernetes-listen.ts";
import { postgresListenSchema } from "./postgres-listen.ts";
import { sshListenSchema } from "./ssh-listen.ts";
import { address, duration, filePath, principal } from "./terms.ts";

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, "expected a name of letters, digits, `.`, `_` and `-`, at most 63 characters");

/** A Unix socket, whose identity may be configured, or a TCP port with TLS. One object, so that each mistake has its own message. */
const listener = z
  .strictObject({
    /** A socket's path; a bare file name is placed in the data folder's `run`. */
    unix: filePath.optional(),
    /** Whoever can open the socket is this principal, and needs no token. */
    principal: principal.optional(),
    tcp: address.optional(),
    tls: z.strictObject({ cert: filePath, key: filePath, clientCa: filePath.optional() }).optional(),
  })
  .superRefine((value, context) => {
    const problem = (message: string, ...path: string[]): void => context.addIssue({ code: "custom", message, path });
    if (value.unix === undefined && value.tcp === undefined) problem("a listener needs `unix: PATH` or `tcp: HOST:PORT`");
    if (value.unix !== undefined && value.tcp !== undefined)
      problem("a listener has `unix` or `tcp`, not both: write two list items", "tcp");
    if (value.tcp !== undefined && value.tls === undefined)
      problem("a `tcp` listener needs `tls: { cert: FILE, key: FILE }`", "tcp");
    if (value.tcp !== undefined && value.principal !== undefined)
      problem("only a `unix` listener has a `principal`; over `tcp` agents send a token", "principal");
    if (value.unix !== undefined && value.tls !== undefined) problem("only a `tcp` listener has `tls`", "tls");
  });

/** The asymmetric signature algorithms of RFC 7518 §3.1 and RFC 8037; `none` and the symmetric ones can never be allowed. */
const algorithm = z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]);

const issuer = z.strictObject({
  issuer: z.url("expected the issuer's URL, exactly as it stands in its tokens"),
  audience: z.string().min(1),
  algorithms: z.array(algorithm).min(1).default(["RS256"]),
  /** Where its keys are; without it they are found by OIDC discovery. */
  jwksUrl: z.url("expected a URL").optional(),
  groupsClaim: z.string().min(1).optional(),
  /** The claim that names the person who owns the agent, and so may not approve what it asks for. */
  ownerClaim: z.string().min(1).optional(),
});

const approver = z.strictObject({
  name: z.string().min(1).max(256),
  groups: z.array(z.string().min(1).max(256)).max(100).default([]),
  /** Other names that the same person is known by, e.g. as the owner of an agent: they are one person, with one vote. */
  accounts: z.array(z.string().min(1).max(256)).max(100).optional(),
});

/** A name of two people would let one of them vote as the other. */
function distinctPeople(people: readonly z.infer<typeof approver>[], context: z.RefinementCtx): void {
  const owners = new Map<string, number>();
  for (const [index, { name, accounts = [] }] of people.entries()) {
    for (const [place, one] of [name, ...accounts].entries()) {
      const owner = owners.get(one);
      if (owner !== undefined && owner !== index) {
        const path = [index, ...(place === 0 ? ["name"] : ["accounts", place - 1])];
        context.addIssue({ code: "custom", message: `another name: ${JSON.stringify(one)} is taken by an earlier one`, path });
      }
      owners.set(one, owner ?? index);
    }
  }
}

/** Two things of one name would make every record and every rule ambiguous. */
function distinctNames(items: readonly { readonly name: string }[], context: z.RefinementCtx): void {
  for (const [index, { name }] of items.entries()) {
    if (items.findIndex((one) => one.name === name) < index) {
      context.addIssue({
        code: "custom",
        message: `another name: ${JSON.stringify(name)} is taken by an earlier one`,
        path: [index, "name"],
      });
    }
  }
}

const publicKey = z
  .string()
  .refine(
    (text) => parsePublicKey(text) !== undefined,
    "expected a public key as `countersign policy keygen` prints it: `ed25519:…`",
  );

const bytes = z
  .int()
  .min(1024)
  .max(64 * 1024 * 1024);

/** `countersign.yaml`. */
export const configSchema = z.strictObject({
  version: z.literal(1),
  /** The data folder. */
  data: filePath.default("countersign-data"),
  sidecar: z
    .strictObject({
      name: name
        .refine((text) => text !== "control", "expected another name: the control plane writes its audit records as `control`")
        .default("local"),
      listen: z
        .array(listener)
        .min(1)
        .default([{ unix: "agent.sock", principal: { subject: "local-agent", groups: [] } }]),
      /** Where psql and every driver may connect; absent = nowhere. */
      postgres: z.array(postgresListenSchema).default([]),
      /** Where ssh, sftp, scp, rsync and git may connect; absent = nowhere. */
      ssh: z.array(sshListenSchema).default([]),
      /** Where unmodified HTTP clients may send requests; absent = nowhere. */
      http: z.array(httpListenSchema).default([]),
      /** Where kubectl and client libraries may connect; absent = nowhere. */
      kubernetes: z.array(kubernetesListenSchema).default([]),
    })
    .prefault({}),
  identity: z
    .strictObject({
      /** The local development issuer. */
      development: z.boolean().default(true),
      issuers: z.array(issuer).default([]),
    })
    .prefault({}),
  approvers: z.array(approver).superRefine(distinctPeople).default([]),
  control: z
    .strictObject({
      listen: address
        .regex(
          /^(127\.0\.0\.1|localhost):/i,
          "expected `127.0.0.1:PORT`: the console has no TLS yet, so it listens on this machine only; to reach it from elsewhere put a TLS proxy in front of it",
        )
        .default("127.0.0.1:0"),
      approver: filePath.default("approver.sock"),
    })
    .prefault({}),
  /** When people are told again of what nobody answers; absent = never. */
  approvals: z
    .strictObject({ remindAfter: duration, remindEvery: duration, remindAtMost: z.int().min(1).max(100).default(5) })
    .optional(),
  policy: z.union([filePath, z.array(filePath).min(1)], "expected a path, or a list of paths").default("policy.yaml"),
  /** Who may sign the policy. With any of them, it has to be one bundle that one of them signed. */
  policyKeys: z.array(publicKey).min(1, "expected at least one key; leave it out to use policies that nobody signed").optional(),
  resources: z.array(resourceSchema).superRefine(distinctNames).default([]),
  audit: z.strictObject({ fsync: z.enum(["default", "always"]).default("default") }).prefault({}),
  limits: z
    .strictObject({
      statementBytes: bytes.default(1024 * 1024),
      parameterBytes: bytes.default(16 * 1024 * 1024),
      pendingPerPrincipal: z.int().min(1).max(1_000_000).default(1000),
      /** What one agent may ask in a minute, also what is denied; absent = not limited. */
      requestsPerMinute: z.int().min(1).max(10_000_000).optional(),
      /** Connections of unmodified clients, in all and of one agent. */
      connections: z.int().min(1).max(1_000_000).default(10_000),
      connectionsPerPrincipal: z.int().min(1).max(1_000_000).default(1000),
    })
    .prefault({}),
});

/** `countersign.yaml` as it was written, with the defaults filled in. */
export type ConfigFile = z.infer<typeof configSchema>;
