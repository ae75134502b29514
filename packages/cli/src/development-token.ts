import { existsSync } from "node:fs";
import { join } from "node:path";
import { agentAudience, approverAudience, openKeys, signDevelopmentToken } from "@countersign/control/development";
import { CliError, exitCodes } from "./exit.ts";

/** What a development token says. */
export interface TokenRequest {
  readonly subject: string;
  readonly groups: readonly string[];
  readonly audience: "agent" | "approver";
  readonly ttlMs: number;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

const audiences = { agent: agentAudience, approver: approverAudience } as const;

/**
 * Makes a token of the data folder's development issuer. Whoever can read the folder's keys can be anyone: that is what development means.
 *
 * @throws {CliError} usage, when it is no data folder.
 * @throws {ControlPlaneError} when the keys cannot be opened.
 */
export async function developmentToken(
  folder: string,
  { subject, groups, audience, ttlMs, nowMs }: TokenRequest,
): Promise<string> {
  // Keys are made by the first `countersign up`; a mistyped folder must not get some of its own.
  if (!existsSync(join(folder, "keys"))) {
    throw new CliError(
      exitCodes.usage,
      `${folder} is no data folder. Run \`countersign up\` once, or name it with --data or COUNTERSIGN_DATA.`,
    );
  }
  const { developmentIssuer } = openKeys(folder);
  return await signDevelopmentToken(
    {
      subject,
      audience: audiences[audience],
      nowMs,
      lifetimeSeconds: Math.ceil(ttlMs / 1000),
      claims: groups.length > 0 ? { groups: [...groups] } : {},
    },
    developmentIssuer.privateKey,
  );
}
