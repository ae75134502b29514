import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const cli = fileURLToPath(new URL("../../../packages/cli/bin/countersign.mjs", import.meta.url));

/** What `countersign audit verify` says of a data folder, right or wrong. */
export async function verifyAudit(folder: string): Promise<string> {
  const verified = promisify(execFile)(process.execPath, [cli, "audit", "verify", "--data", folder], {
    env: { ...process.env, NO_COLOR: "1" },
  });
  const { stdout, stderr } = await verified.catch((error: { stdout: string; stderr: string }) => error);
  return `${stdout}${stderr}`;
}
