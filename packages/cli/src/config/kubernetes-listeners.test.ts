import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kubernetesListens, reachableKubernetes } from "./kubernetes-listeners.ts";
import { checkConfig } from "./load.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-listens-"));
});
afterAll(() => rm(folder, { recursive: true }));

function listens(...kubernetes: readonly object[]) {
  const cluster = { type: "kubernetes", server: "https://10.0.0.1", roles: { r: { token: { env: "T" } } } };
  const resources = ["prod", "stage"].map((name) => ({ name, ...cluster }));
  const text = JSON.stringify({ version: 1, sidecar: { kubernetes }, resources });
  return kubernetesListens(checkConfig(join(folder, "countersign.yaml"), text, folder), Date.now);
}

test("a cluster is found at a listener of its own first, by the name that clients know; all of them trust one authority", async () => {
  const found = await listens({ tcp: "0.0.0.0:1", names: ["side.test"] }, { tcp: "[::1]:2", resource: "stage" });
  const reachable = reachableKubernetes(found, ["0.0.0.0:1", "[::1]:2"], ["prod", "stage"]);
  expect(reachable.map(({ resource, server }) => [resource, server])).toEqual([
    ["stage", "https://[::1]:2"],
    ["prod", "https://side.test:1/clusters/prod"],
    ["stage", "https://side.test:1/clusters/stage"],
  ]);
  expect(new Set(reachable.map(({ ca }) => ca)).size).toBe(1);
});

test("a cluster that there is not is said at the start", async () => {
  await expect(listens({ tcp: "127.0.0.1:1", resource: "prdo" })).rejects.toThrow(
    /names the cluster "prdo".*there is prod, stage/,
  );
});
