import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkConfig } from "../../config/load.ts";
import { openTargets } from "./target.ts";

const folder = mkdtempSync(join(tmpdir(), "cs-target-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = `version: 1
approvers: [{ name: alice, groups: [ops] }]
resources:
  - { name: shop, type: http, origin: "https://shop.example.com", openapi: [shop.json], graphql: /graphql, roles: { r: {} } }
`;

test("a configured HTTP API's requests are named by its documents, which lie beside the configuration", async () => {
  writeFileSync(
    join(folder, "shop.json"),
    JSON.stringify({ openapi: "3.0.0", paths: { "/orders": { get: { operationId: "listOrders" } } } }),
  );
  const target = await openTargets({}, checkConfig(join(folder, "countersign.yaml"), config));
  const operation = { kind: "http.request", method: "GET", path: "/orders", headers: [] } as const;
  const asked = {
    labels: {},
    roles: undefined,
    principal: undefined,
    role: undefined,
    reason: undefined,
    nowMs: undefined,
  } as const;
  expect(target({ ...asked, type: "http", operation, resource: "shop" })).toMatchObject({
    api: { graphql: "/graphql", operations: [{ id: "listOrders", method: "GET", path: "/orders" }] },
  });
});
