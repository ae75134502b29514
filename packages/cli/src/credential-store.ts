import { join } from "node:path";
import { openKeys } from "@countersign/control";
import { type CredentialStore, openCredentialStore, openKeyFile } from "@countersign/sidecar";

/**
 * The encrypted credential store of a data folder; the folder and its keys are made when they are not there.
 *
 * @throws {ControlPlaneError} when the folder is not safe; {CountersignError} `target_credentials` when the store's key is not.
 */
export async function openStore(dataFolder: string): Promise<CredentialStore> {
  openKeys(dataFolder);
  return openCredentialStore(
    join(dataFolder, "credentials.json"),
    await openKeyFile(join(dataFolder, "keys", "credentials.key")),
  );
}
