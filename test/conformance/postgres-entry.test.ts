import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PostgresServer, startPostgres } from "../harness/postgres.ts";
import { logins, World } from "./postgres-entry/world.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ sql: logins });
});
afterAll(() => server.stop());

describe("psql over a Unix socket", () => {
  it("logs in with a token as its password, and has the role's login", async () => {
    await using world = await World.open(server);
    const token = await world.token();
    const ran = await world.psql("dbname=orders-db user=reader", "select current_user, count(*) from item", {
      PGPASSWORD: token,
    });
    expect(ran).toEqual({ code: 0, stdout: "reader|100\n", stderr: "" });
  });
});
