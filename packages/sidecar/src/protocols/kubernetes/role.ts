import { z } from "zod";
import { credentialSourceSchema } from "../../credentials/source.ts";
import { openTargetCredential, type TargetCredential, type TargetCredentialContext } from "../request/credential.ts";
import { certificateSchema } from "../request/pem.ts";
import { type AskBy, ServiceAccountTokens } from "./token-request.ts";

/** A name that goes into a header as it is: no line break makes another header of its rest, no space at its ends is lost on the way. */
const identity = z
  .string()
  .regex(/^[!-~](?:[ -~]{0,510}[!-~])?$/, "a name of visible ASCII, spaces only inside")
  .refine((name) => name !== "system:masters", "system:masters is beyond RBAC: nothing would bound this role");
/** RFC 1123, as names of objects have it. */
const objectName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, "the name of an object: small letters, digits, dots and dashes");

/** How one role proves itself: with a credential of its own, or as somebody else by it. */
export const roleSchema = z
  .strictObject({
    /** A bearer token. */
    token: credentialSourceSchema.optional(),
    /** A client certificate. */
    certificate: z.strictObject({ cert: certificateSchema, key: credentialSourceSchema }).optional(),
    /** Every request is made as this user; the credential beside it needs no right but to say so. */
    impersonate: z
      .strictObject({ user: identity, groups: z.array(identity).max(32).default([]), uid: identity.optional() })
      .optional(),
    /** Every request is made with a token of this service account that ends after ten minutes; the credential beside it needs no right but to ask for them. */
    serviceAccount: z
      .strictObject({ namespace: objectName, name: objectName, audience: z.string().min(1).max(253).optional() })
      .optional(),
  })
  .superRefine(({ token, certificate, impersonate, serviceAccount }, context) => {
    const problem = (message: string) => context.addIssue({ code: "custom", message });
    if ((token === undefined) === (certificate === undefined))
      problem("either token or certificate: what the sidecar proves itself by");
    if (impersonate !== undefined && serviceAccount !== undefined)
      problem("impersonate and serviceAccount exclude each other; keep one");
  });

/** A checked {@link roleSchema}. */
export type RoleConfig = z.output<typeof roleSchema>;

/** What a role's requests are made with. */
export interface RoleCredential {
  /** Of requests that only read: what it is got with may be kept for the next one. */
  readonly reads: TargetCredential;
  /** Of one request that may write: got for it alone, once. */
  forWrite(): TargetCredential;
  /** Told that the API server does not know it any more: what was kept is got anew. */
  readonly forget?: () => void;
}

/** What roles are opened with. */
export interface RoleContext extends TargetCredentialContext {
  /** Opens connections to the API server on which another credential is shown. */
  readonly askBy: (credential: TargetCredential) => AskBy;
}

/**
 * Opens the credential of a role; nothing secret is read yet.
 *
 * @throws {Error} when the file of a certificate cannot be read.
 */
export function openRole({ token, certificate, impersonate, serviceAccount }: RoleConfig, context: RoleContext): RoleCredential {
  const base = openTargetCredential({ ...(token && { bearer: token }), ...(certificate && { certificate }) }, context);
  if (serviceAccount === undefined) {
    const reads = impersonate === undefined ? base : impersonating(base, impersonate);
    return { reads, forWrite: () => reads };
  }
  const { namespace, name, audience } = serviceAccount;
  const tokens = new ServiceAccountTokens({ account: serviceAccount, base, ask: context.askBy(base), now: context.now });
  const of = (get: () => ReturnType<ServiceAccountTokens["fresh"]>): TargetCredential => ({
    shown: `service account ${namespace}/${name}, ten minutes${audience === undefined ? "" : `, for ${audience}`}, by ${base.shown}`,
    fields: ["authorization"],
    read: async () => {
      const { token: own, secrets } = await get();
      return { fields: [["authorization", `Bearer ${own}`]], secrets: [own, ...secrets] };
    },
  });
  return {
    reads: of(() => tokens.shared()),
    forget: () => tokens.forget(),
    forWrite: () => {
      let fresh: ReturnType<ServiceAccountTokens["fresh"]> | undefined;
      return of(() => (fresh ??= tokens.fresh()));
    },
  };
}

function impersonating(base: TargetCredential, { user, groups, uid }: NonNullable<RoleConfig["impersonate"]>): TargetCredential {
  const fields = [
    ["Impersonate-User", user] as const,
    ...groups.map((group) => ["Impersonate-Group", group] as const),
    ...(uid === undefined ? [] : [["Impersonate-Uid", uid] as const]),
  ];
  const extent = [...(groups.length === 0 ? [] : [`of ${groups.join(", ")}`]), ...(uid === undefined ? [] : [`uid ${uid}`])];
  return {
    ...base,
    shown: [`impersonating ${user}`, ...extent, `by ${base.shown}`].join(", "),
    fields: [...(base.fields ?? []), "impersonate-user", "impersonate-group", "impersonate-uid"],
    read: async () => {
      const own = await base.read();
      return { ...own, fields: [...own.fields, ...fields] };
    },
  };
}
