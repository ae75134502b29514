import { CountersignError } from "@countersign/policy";
import type { Pool } from "undici";
import { z } from "zod";
import { type CredentialSource, credentialSourceSchema } from "../../credentials/source.ts";

/** Client credentials of OAuth 2 (RFC 6749 §4.4). */
export const oauth2Schema = z.strictObject({
  tokenUrl: z
    .url("expected the URL of the token endpoint")
    .refine((text) => text.startsWith("https:"), "the client's secret is sent there; use https://"),
  clientId: z.string().min(1),
  clientSecret: credentialSourceSchema,
  scope: z.string().min(1).optional(),
  audience: z.string().min(1).optional(),
});

/** A checked {@link oauth2Schema}. */
export type OAuth2Config = z.output<typeof oauth2Schema>;

/** What the tokens of one role are fetched with. */
interface Fetching {
  readonly config: OAuth2Config;
  readonly secret: CredentialSource;
  /** To the origin of the token endpoint. */
  readonly pool: Pool;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

interface Token {
  readonly value: string;
  /** The secret that it was got with: a new one gets a new token. */
  readonly by: string;
  readonly goodUntilMs: number;
}

const answerSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.number().positive().optional(),
});

/** Before a token ends by the issuer's word, another is got. */
const marginMs = 30_000;
/** RFC 6749 §5.1 leaves it to us where the issuer says nothing. */
const defaultSeconds = 300;
const mostAnswerBytes = 64 * 1024;
const patienceMs = 10_000;

/** The access tokens of one role: kept as long as they are good, and got once however many requests wait for one. */
export class AccessTokens {
  readonly #fetching: Fetching;
  #token: Token | undefined;
  #under: { readonly by: string; readonly token: Promise<Token> } | undefined;

  constructor(fetching: Fetching) {
    this.#fetching = fetching;
  }

  /** @throws {CountersignError} `target_credentials`; nothing that the issuer answered is in it. */
  async read(): Promise<{ readonly token: string; readonly secret: string }> {
    const { secret: source, now } = this.#fetching;
    const secret = (await source.read()).reveal();
    const known = this.#token;
    if (known !== undefined && known.by === secret && known.goodUntilMs > now()) return { token: known.value, secret };
    if (this.#under?.by !== secret) {
      const under = { by: secret, token: this.#fetch(secret) };
      this.#under = under;
      const over = () => {
        if (this.#under === under) this.#under = undefined;
      };
      under.token.then(over, over);
    }
    this.#token = await this.#under.token;
    return { token: this.#token.value, secret };
  }

  async #fetch(secret: string): Promise<Token> {
    const { config, pool, now } = this.#fetching;
    const { tokenUrl, clientId, scope, audience } = config;
    const { pathname, search } = new URL(tokenUrl);
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      ...(scope && { scope }),
      ...(audience && { audience }),
    });
    // RFC 6749 §2.3.1: both are form-encoded first.
    const pair = [clientId, secret].map((part) => new URLSearchParams({ _: part }).toString().slice(2)).join(":");
    const headers = {
      authorization: `Basic ${Buffer.from(pair).toString("base64")}`,
      ...{ "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    };
    const startedMs = now();
    try {
      const signal = AbortSignal.timeout(patienceMs);
      const { statusCode, body } = await pool.request({
        method: "POST",
        path: pathname + search,
        headers,
        body: form.toString(),
        signal,
      });
      const parts: Buffer[] = [];
      let size = 0;
      for await (const part of body as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > mostAnswerBytes) throw new RangeError("the answer is too long");
        parts.push(part);
      }
      if (statusCode !== 200) throw new RangeError(`it answered ${statusCode}`);
      const { access_token: value, expires_in: seconds = defaultSeconds } = answerSchema.parse(
        JSON.parse(Buffer.concat(parts).toString()),
      );
      return { value, by: secret, goodUntilMs: startedMs + 1000 * seconds - marginMs };
    } catch (cause) {
      if (cause instanceof CountersignError) throw cause;
      // What it answered may hold a token: only our own words are passed on.
      const why = cause instanceof RangeError ? cause.message : "it cannot be reached, or its answer is no bearer token";
      throw new CountersignError("target_credentials", `No access token from ${new URL(tokenUrl).origin}: ${why}.`, {
        retryable: true,
      });
    }
  }
}
