import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import type { User } from "./asked.ts";
import { ApiError, type ApiObject } from "./object.ts";
import { kindOf, type ObjectStore } from "./store.ts";

/** What a token of a service account is bound to. */
export interface Minted {
  readonly user: User;
  readonly audiences: readonly string[];
  readonly expiresMs: number;
}

/** The audience of the server itself: tokens for others are no proof to it. */
export const ownAudience = "https://kubernetes.default.svc.cluster.local";

/** Who may ask: static tokens, tokens of service accounts, and client certificates ("Authenticating"). */
export class Users {
  readonly minted = new Map<string, Minted>();
  readonly #tokens: ReadonlyMap<string, User>;
  readonly #store: ObjectStore;
  readonly #now: () => number;

  constructor(tokens: Readonly<Record<string, User>>, store: ObjectStore, now: () => number) {
    this.#tokens = new Map(Object.entries(tokens));
    this.#store = store;
    this.#now = now;
  }

  /** A token of a service account, in the shape of a JWT. */
  mint(
    account: ApiObject,
    audiences: readonly string[],
    seconds: number,
  ): { readonly token: string; readonly expiresMs: number } {
    const { namespace = "", name, uid } = account.metadata;
    const expiresMs = this.#now() + 1000 * seconds;
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const sub = `system:serviceaccount:${namespace}:${name}`;
    const iat = Math.floor(this.#now() / 1000);
    const claims = { iss: ownAudience, sub, aud: audiences, iat, exp: iat + seconds };
    const token = `${part({ alg: "RS256" })}.${part(claims)}.${randomBytes(32).toString("base64url")}`;
    const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
    this.minted.set(token, { user: { username: sub, uid, groups }, audiences, expiresMs });
    return { token, expiresMs };
  }

  /** Whom a token proves to those who are one of the audiences. */
  ofToken(token: string, audiences: readonly string[] = [ownAudience]): User | undefined {
    const fixed = this.#tokens.get(token);
    if (fixed !== undefined) return { ...fixed, groups: [...fixed.groups, "system:authenticated"] };
    const minted = this.minted.get(token);
    if (minted === undefined || minted.expiresMs <= this.#now()) return undefined;
    if (!minted.audiences.some((one) => audiences.includes(one))) return undefined;
    // A token ends with its service account.
    const [, , namespace = "", name = ""] = minted.user.username.split(":");
    const account = this.#store.find(kindOf("ServiceAccount"), namespace, name);
    return account?.metadata.uid === minted.user.uid ? minted.user : undefined;
  }

  /** @throws {ApiError} 401. */
  authenticated({ headers, socket }: IncomingMessage): User {
    const [, token] = /^Bearer (.+)$/i.exec(headers.authorization ?? "") ?? [];
    if (token !== undefined) {
      const user = this.ofToken(token);
      if (user !== undefined) return user;
      throw new ApiError(401, "Unauthorized", "Unauthorized");
    }
    const user = userOf(socket as TLSSocket);
    if (user !== undefined) return user;
    throw new ApiError(401, "Unauthorized", "Unauthorized");
  }
}

/** A client certificate's common name, with its organizations as groups. */
function userOf(socket: TLSSocket): User | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  const [username] = [subject?.CN ?? []].flat();
  if (username === undefined) return undefined;
  return { username, groups: [...[subject.O ?? []].flat(), "system:authenticated"] };
}

/** Whom a request asks to act as ("User impersonation"). */
export function impersonated({ headers, rawHeaders }: IncomingMessage): User | undefined {
  const values = (wanted: string) =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === wanted);
  const [username] = values("impersonate-user");
  const extra = Object.keys(headers).filter((name) => name.startsWith("impersonate-extra-"));
  const groups = values("impersonate-group");
  const [uid] = values("impersonate-uid");
  if (username === undefined) {
    if (groups.length + extra.length > 0 || uid !== undefined)
      throw new ApiError(400, "BadRequest", "requested impersonation without impersonating a user");
    return undefined;
  }
  return {
    ...{ username, groups: [...groups, "system:authenticated"], ...(uid !== undefined && { uid }) },
    extra: Object.fromEntries(extra.map((name) => [decodeURIComponent(name.slice("impersonate-extra-".length)), values(name)])),
  };
}
