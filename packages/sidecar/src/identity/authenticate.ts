import { CountersignError, type Principal } from "@countersign/policy";
import type { Metadata } from "@grpc/grpc-js";
import type { Tokens } from "./tokens.ts";

/** Tells who calls from a call's metadata. */
export type Authenticate = (metadata: Metadata) => Principal | Promise<Principal>;

/**
 * The callers of one listener: by bearer token, or, where the listener has an identity of its own (a Unix socket that only one agent can open),
 * by that. A token that is sent must be good even there: a bad one never falls back to the socket's identity.
 */
export function authenticator(tokens: Tokens, socketIdentity: Principal | undefined): Authenticate {
  return (metadata) => {
    const values = metadata.get("authorization");
    if (values.length === 0) {
      if (socketIdentity !== undefined) return socketIdentity;
      throw new CountersignError(
        "unauthenticated",
        "Send a token: `authorization: Bearer …`. In development `countersign token --subject NAME` makes one.",
      );
    }
    const [value] = values;
    const token =
      values.length === 1 && typeof value === "string" ? /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(value)?.[1] : undefined;
    if (token === undefined)
      throw new CountersignError("unauthenticated", "The `authorization` header must be one `Bearer <token>`.");
    return tokens.verify(token);
  };
}
