import type { Asked, Attributes, User } from "./asked.ts";
import { ApiError, type Fields, fieldsOf, listOf, textOf } from "./object.ts";
import { isAllowed } from "./rbac.ts";
import { kindOf, type ObjectStore } from "./store.ts";
import { ownAudience, type Users } from "./users.ts";

/** What questions are answered with. */
interface Asking {
  readonly store: ObjectStore;
  readonly users: Users;
  /** Everybody may do everything, or what roles say. */
  readonly usesRbac: boolean;
}

/** TokenReview, SelfSubjectReview and the access reviews. */
export function reviewed({ attributes, user }: Asked, body: unknown, { store, users, usesRbac }: Asking): Fields {
  const spec = fieldsOf(body, "spec");
  const answer = (status: Fields) => ({ ...(body as Fields), status });
  switch (attributes?.resource) {
    case "tokenreviews": {
      const audiences = listOf(spec, "audiences").map(String);
      const found = users.ofToken(textOf(spec, "token") ?? "", audiences.length > 0 ? audiences : undefined);
      if (found === undefined) return answer({ authenticated: false, error: "invalid bearer token" });
      return answer({ authenticated: true, user: found, audiences: audiences.length > 0 ? audiences : [ownAudience] });
    }
    case "selfsubjectreviews":
      return answer({ userInfo: user });
    default: {
      const asksAbout = attributes?.resource === "subjectaccessreviews" ? subjectOf(spec) : user;
      const allowed =
        asksAbout !== undefined && (!usesRbac || isAllowed(store, asksAbout, wantedBy(fieldsOf(spec, "resourceAttributes"))));
      return answer({ allowed });
    }
  }
}

function subjectOf(spec: Fields): User {
  return { username: textOf(spec, "user") ?? "", groups: listOf(spec, "groups").map(String) };
}

function wantedBy(given: Fields): Attributes {
  const text = (name: string) => textOf(given, name) ?? "";
  return {
    ...{ verb: text("verb"), group: text("group"), resource: text("resource"), subresource: text("subresource") },
    ...{ namespace: text("namespace"), name: text("name") },
  };
}

/** The token of a service account (TokenRequest, authentication.k8s.io/v1). */
export function tokenFor({ attributes }: Asked, body: unknown, { store, users }: Asking): Fields {
  const { namespace = "", name = "" } = attributes ?? {};
  const account = store.get(kindOf("ServiceAccount"), namespace, name);
  const spec = fieldsOf(body, "spec");
  const { expirationSeconds = 3600 } = spec;
  if (typeof expirationSeconds !== "number" || expirationSeconds < 600)
    throw new ApiError(422, "Invalid", "spec.expirationSeconds: Invalid value: may not specify a duration less than 10 minutes");
  const audiences = listOf(spec, "audiences").map(String);
  const meant = audiences.length > 0 ? audiences : [ownAudience];
  const { token, expiresMs } = users.mint(account, meant, expirationSeconds);
  return {
    ...{ kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1", metadata: { name, namespace } },
    spec: { ...spec, audiences: meant, expirationSeconds },
    status: { token, expirationTimestamp: new Date(expiresMs).toISOString().replace(/\.\d+Z$/, "Z") },
  };
}
