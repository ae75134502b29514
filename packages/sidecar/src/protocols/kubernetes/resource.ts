import { isIP } from "node:net";
import { z } from "zod";
import { addressRefusal } from "../request/address-rules.ts";
import { certificateSchema } from "../request/pem.ts";
import { roleSchema } from "./role.ts";

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "a name of letters, digits, dots, dashes and underscores");
const milliseconds = z.int().min(1);

/** API servers are in private networks as a rule; link-local addresses and metadata services never are one. */
export const addressRules = { allowPrivate: true } as const;

/** Scheme, host and port, nothing else: where the API server's own paths begin is what classification goes by. */
const server = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url !== undefined && url.pathname === "/" && url.search + url.hash + url.username + url.password === "";
  if (isOrigin && url.protocol === "https:") return url.origin;
  context.addIssue({ code: "custom", message: "the API server's origin: https://HOST or https://HOST:PORT, without a path" });
  return z.NEVER;
});

/** A Kubernetes cluster in countersign.yaml. */
export const kubernetesResourceSchema = z
  .strictObject({
    name,
    type: z.literal("kubernetes"),
    server,
    /** The authority that certifies the API server, `certificate-authority-data` of a kubeconfig; default: the system's authorities. */
    ca: certificateSchema.optional(),
    labels: z.record(name, z.string()).default({}),
    /** The identities that rules choose between. */
    roles: z.record(name, roleSchema).refine((roles) => Object.keys(roles).length > 0, "at least one role"),
    /** The role by which approvers are told what a change would do; default: the one that it would run with. It needs what a dry run needs: the change's rights. */
    evidence: z.strictObject({ role: name }).optional(),
    connections: z
      .strictObject({
        /** At the same time for each role, and as many watches and logs besides; further requests wait. */
        max: z.int().min(1).max(10_000).default(128),
        idleMs: milliseconds.default(30_000),
        connectTimeoutMs: milliseconds.default(10_000),
        /** How long the API server may say nothing. Watches and logs, once they have begun, may be silent for as long as they like. */
        silenceMs: milliseconds.default(300_000),
      })
      .prefault({}),
  })
  .superRefine(({ server: at, roles, evidence }, context) => {
    if (evidence !== undefined && !Object.hasOwn(roles, evidence.role)) {
      const message = `there is no role ${evidence.role}; use one of ${Object.keys(roles).join(", ")}`;
      context.addIssue({ code: "custom", path: ["evidence", "role"], message });
    }
    const host = new URL(at).hostname.replace(/^\[|\]$/g, "");
    const why = isIP(host) === 0 ? undefined : addressRefusal(host, addressRules);
    if (why !== undefined) context.addIssue({ code: "custom", message: why, path: ["server"] });
  });

/** A Kubernetes cluster as configured, defaults filled in. */
export type KubernetesResource = z.output<typeof kubernetesResourceSchema>;

/** What its configuration cannot promise, one sentence each. */
export function kubernetesWarnings({ name: resource, roles }: KubernetesResource): readonly string[] {
  return Object.entries(roles).flatMap(([role, { certificate, impersonate, serviceAccount }]) => {
    if (impersonate !== undefined || serviceAccount !== undefined) return [];
    const kind =
      certificate === undefined
        ? "a token that outlives what was decided"
        : "a client certificate, which Kubernetes cannot revoke before it ends";
    return [`${resource}: the role ${role} uses ${kind}. A service account (tokens of ten minutes) or impersonation is less.`];
  });
}
