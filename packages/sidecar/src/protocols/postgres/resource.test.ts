import { describe, expect, it } from "vitest";
import { postgresResourceSchema } from "./resource.ts";

const smallest = {
  name: "orders-db",
  type: "postgres",
  address: "db.example.com:5432",
  database: "orders",
  roles: { reader: { user: "reader", password: { env: "READER_PASSWORD" } } },
};

function problems(change: Record<string, unknown>): string[] {
  const result = postgresResourceSchema.safeParse({ ...smallest, ...change });
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("postgresResourceSchema", () => {
  it("verifies the server fully unless told otherwise", () => {
    expect(postgresResourceSchema.parse(smallest)).toMatchObject({
      tls: "verify-full",
      searchPath: ["public"],
      allowInsecure: false,
    });
  });

  it("refuses to go without TLS over a network, unless allowed by name", () => {
    expect(problems({ tls: "disable" })).toEqual([expect.stringMatching(/^tls: .*allowInsecure/)]);
    expect(problems({ tls: "disable", allowInsecure: true })).toEqual([]);
    expect(problems({ tls: "disable", address: "127.0.0.1:5432" })).toEqual([]);
    expect(problems({ tls: "disable", address: "/run/postgresql" })).toEqual([]);
  });

  it.each([
    [{ address: "postgres://db/orders" }, /^address: /],
    [{ searchPath: ["$user", "public"] }, /^searchPath.0: .*\$user/],
    [{ searchPath: [] }, /^searchPath: /],
    [{ roles: {} }, /^roles: at least one role/],
    [{ tls: { mode: "verify-full", ca: "ca.pem" } }, /^tls/],
    [{ pool: { max: 0 } }, /^pool.max: /],
    [{ evidence: { role: "planner" } }, /^evidence.role: there is no role planner; use one of reader/],
    [
      {
        evidence: { role: "reader" },
        roles: { ...smallest.roles, writer: { user: "reader", password: { env: "W" } } },
      },
      /^evidence.role: its login is also that of the role writer/,
    ],
    [{ password: "x" }, /password/],
  ])("refuses %j", (change, message) => {
    expect(problems(change)[0]).toMatch(message);
  });
});
