import { CountersignError } from "@countersign/policy";
import { z } from "zod";
import type { TargetCredential } from "../request/credential.ts";
import type { Question, SmallAnswer } from "./small-answer.ts";

/** Asks the API server with the credential that tokens are got by. */
export type AskBy = (question: Question) => Promise<SmallAnswer>;

/** What tokens of a service account are got with. */
interface Getting {
  readonly account: { readonly namespace: string; readonly name: string; readonly audience?: string | undefined };
  readonly base: TargetCredential;
  readonly ask: AskBy;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** A token, and what must not come back beside it. */
interface Got {
  readonly token: string;
  readonly secrets: readonly string[];
}

interface Kept extends Got {
  readonly goodUntilMs: number;
}

/** The least that API servers give (TokenRequestSpec, authentication.k8s.io/v1). */
const seconds = 600;
/** A request that begins with a token may be queued for a moment before the API server looks at it. */
const marginMs = 60_000;

const answerSchema = z.object({
  spec: z.object({ expirationSeconds: z.number().positive().max(seconds), audiences: z.array(z.string()).optional() }),
  status: z.object({ token: z.string().regex(/^[\w.~+/=-]{16,16384}$/) }),
});
/** What the token itself says (RFC 7519 §4.1): API servers can be set to give tokens that live longer than they say. */
const claimsSchema = z.object({ iat: z.number(), exp: z.number() });

/** Tokens of one service account, by TokenRequest: ten minutes, for the API server alone (or the configured audience). */
export class ServiceAccountTokens {
  readonly #getting: Getting;
  #kept: Kept | undefined;
  #under: Promise<Kept> | undefined;

  constructor(getting: Getting) {
    this.#getting = getting;
  }

  /**
   * One that no other request has.
   *
   * @throws {CountersignError} `target_credentials`, `target_unavailable`; nothing that the API server answered is in it.
   */
  async fresh(): Promise<Got> {
    return await this.#get();
  }

  /** One that requests that only read share until shortly before its end. Throws as {@link fresh}. */
  async shared(): Promise<Got> {
    if (this.#kept !== undefined && this.#kept.goodUntilMs > this.#getting.now()) return this.#kept;
    this.#under ??= this.#get().finally(() => {
      this.#under = undefined;
    });
    this.#kept = await this.#under;
    return this.#kept;
  }

  /** Ends the sharing: a service account that was made anew has no tokens of the old one. */
  forget(): void {
    this.#kept = undefined;
  }

  async #get(): Promise<Kept> {
    const { account, base, ask, now } = this.#getting;
    const { namespace, name, audience } = account;
    const startedMs = now();
    const { secrets } = await base.read();
    const { status, value } = await ask({
      ...{ method: "POST", path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token` },
      body: {
        ...{ apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest" },
        spec: { expirationSeconds: seconds, ...(audience !== undefined && { audiences: [audience] }) },
      },
    });
    const answer = answerSchema.safeParse(value);
    if (!answer.success) throw noToken(`${namespace}/${name}`, status);
    const { spec, status: got } = answer.data;
    const isForOthers = audience !== undefined && spec.audiences?.some((one) => one !== audience);
    if (lifeOf(got.token) > seconds || isForOthers === true) throw noToken(`${namespace}/${name}`, status);
    return { token: got.token, secrets, goodUntilMs: startedMs + 1000 * spec.expirationSeconds - marginMs };
  }
}

/** How long a token is good, in seconds; 0 where it does not say. */
function lifeOf(token: string): number {
  try {
    const claims = claimsSchema.safeParse(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()));
    return claims.success ? claims.data.exp - claims.data.iat : 0;
  } catch {
    return 0;
  }
}

function noToken(account: string, status: number): CountersignError {
  const why: Readonly<Record<number, string>> = {
    401: "it does not know the credential that tokens are asked for with",
    403: "the credential that tokens are asked for with may not `create` `serviceaccounts/token` of it",
    404: "there is no such service account",
  };
  const said =
    why[status] ?? (status === 201 ? "what it gave is no token of ten minutes, or for others, too" : `it answered ${status}`);
  return new CountersignError(
    "target_credentials",
    `The API server gave no token of the service account ${account}: ${said}. Nothing was sent.`,
    {
      retryable: status >= 500,
    },
  );
}
