import { z } from "zod";
import { credentialSourceSchema } from "../../credentials/source.ts";
import { parseAddress } from "./address.ts";
import { parseKeyLine } from "./public-key.ts";

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "a name of letters, digits, dots, dashes and underscores");
const milliseconds = z.int().min(1);
/** No blanks, no control characters, none that sshd takes for something else. */
const userName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._@$-]{0,63}$/, "a name of a user on the target");

const address = z.string().superRefine(checked(parseAddress));
const keyText = z.string().superRefine(checked((text) => parseKeyLine(text)));

function checked(parse: (text: string) => unknown) {
  return (text: string, context: z.core.$RefinementCtx<string>) => {
    try {
      parse(text);
    } catch (error) {
      const why = error instanceof Error ? error.message : "it cannot be read";
      const hint = parse === parseAddress ? why : `not a public key as in known_hosts (type, base64): ${why}`;
      context.addIssue({ code: "custom", message: hint });
    }
  };
}

const host = {
  /** `host`, `host:port` or `[IPv6]:port`. */
  address,
  /** Its public keys, as in known_hosts without the name: `ssh-ed25519 AAAA…`. */
  hostKeys: z.array(keyText).default([]),
  /** Authorities that certify hosts. */
  hostAuthorities: z.array(keyText).default([]),
  /** The name in the host's certificate, when it is not the host of the address. */
  hostName: z.string().min(1).optional(),
};

const certificate = z.strictObject({
  /** Names in the certificates; default: the user. */
  principals: z.array(userName).min(1).optional(),
});

const login = z
  .strictObject({
    user: userName,
    /** A certificate for each command, of Countersign's own authority (`countersign ssh ca`). */
    certificate: certificate.optional(),
    /** A private key in OpenSSH's format. */
    key: credentialSourceSchema.optional(),
    passphrase: credentialSourceSchema.optional(),
    password: credentialSourceSchema.optional(),
  })
  .superRefine((value, context) => {
    const ways = (["certificate", "key", "password"] as const).filter((way) => value[way] !== undefined);
    const problem = (message: string, path: string[] = []) => context.addIssue({ code: "custom", message, path });
    if (ways.length === 0)
      problem("how it logs in is missing: certificate: {} (the least that a command needs), key or password");
    if (ways.length > 1) problem(`${ways.join(" and ")} exclude each other; keep one`);
    if (value.passphrase !== undefined && value.key === undefined) problem("a passphrase is for a key", ["passphrase"]);
  });

const jump = z.strictObject({ ...host, login });

/** An SSH resource in countersign.yaml. */
export const sshResourceSchema = z
  .strictObject({
    name,
    type: z.literal("ssh"),
    ...host,
    /** Hosts to go through, in order. */
    jump: z.array(jump).max(5).default([]),
    labels: z.record(name, z.string()).default({}),
    /** The credentials that rules choose between: a login each. */
    roles: z.record(name, login).refine((roles) => Object.keys(roles).length > 0, "at least one role"),
    /** The role that reads what files are now, for those who approve a change of them. Its reading is not decided by policy. */
    evidence: z.strictObject({ role: name }).optional(),
    connections: z
      .strictObject({
        /** At the same time for each role. With a certificate a connection is for one command. */
        max: z.int().min(1).max(1000).default(10),
        /** Commands at the same time on one connection with a key or a password; sshd's MaxSessions is 10 unless changed. */
        sessions: z.int().min(1).max(1000).default(8),
        idleMs: milliseconds.default(60_000),
        lifetimeMs: milliseconds.default(1_800_000),
        connectTimeoutMs: milliseconds.default(10_000),
        /** How often a silent connection is asked whether it lives; three times without an answer, and it is given up. */
        keepaliveMs: milliseconds.default(15_000),
      })
      .prefault({}),
  })
  .superRefine(({ roles, evidence }, context) => {
    if (evidence === undefined || evidence.role in roles) return;
    const message = `there is no role ${evidence.role}; use one of ${Object.keys(roles).join(", ")}`;
    context.addIssue({ code: "custom", path: ["evidence", "role"], message });
  });

/** An SSH resource as configured, defaults filled in. */
export type SshResource = z.output<typeof sshResourceSchema>;
/** How one role, or a jump host, logs in. */
export type SshLogin = z.output<typeof login>;

/** What the credentials of a resource cannot promise, one sentence each; empty where every role has certificates. */
export function sshWarnings({ name: resource, roles, jump: jumps }: SshResource): readonly string[] {
  const fixed = Object.entries(roles).filter(([, { certificate: own }]) => own === undefined);
  const warnings = fixed.map(
    ([role, { key }]) =>
      `${resource}, role ${role}: it logs in with a ${key === undefined ? "password" : "fixed key"}, so the target itself does not hold it to the approved command, ` +
      "and whoever gets hold of the credential can do all that the login can. Use certificate: {} (`countersign ssh ca` says what the target must trust).",
  );
  const hops = jumps.filter(({ login: { certificate: own } }) => own === undefined);
  return [
    ...warnings,
    ...hops.map(
      ({ address: at }) => `${resource}: the jump host ${at} takes a fixed key or password, which is not limited to forwarding.`,
    ),
  ];
}
