import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../conformance/postgres-entry/world.ts";
import { Instance } from "../harness/instance.ts";

const listeners = `sidecar:
  postgres:
    - { unix: postgres, principal: { subject: local-agent } }
    - { tcp: "127.0.0.1:0" }
`;
const root = new URL("../..", import.meta.url).pathname;
const cli = `${root}packages/cli/bin/countersign.mjs`;

let instance: Instance;
beforeAll(async () => {
  instance = await Instance.start({ config: listeners });
});
afterAll(() => instance[Symbol.asyncDispose]());

/** What `countersign connect` prints, and a way to end it. */
async function connected(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const child = spawn(cli, ["connect", ...args], {
    env: { ...process.env, COUNTERSIGN_DATA: instance.data, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [url] = await once(createInterface({ input: child.stdout }), "line");
  const end = async (): Promise<number | null> => {
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    return code;
  };
  return { url: String(url), end };
}

const count = "select count(*) from orders";

describe("countersign psql", () => {
  it("runs psql as whoever the socket stands for, with the first role and what stands after --", async () => {
    const ran = await instance.cli("psql", "orders-db", "--", "-XAtc", `${count}; select current_user`);
    expect(ran).toEqual({ code: 0, stdout: "500\norders_reader\n", stderr: "" });
    const writer = await instance.cli("psql", "orders-db", "--role", "writer", "--", "-XAtc", "drop table orders");
    expect(writer).toMatchObject({ code: 1, stderr: expect.stringContaining("Ask the platform team.") });
  });

  it("sends the token of the environment, never past a listener that takes none", async () => {
    const token = (await instance.cli("token", "--subject", "ci-agent")).stdout.trim();
    const env = { COUNTERSIGN_DATA: instance.data, PATH: process.env.PATH ?? "", COUNTERSIGN_TOKEN: token };
    expect(await run(cli, ["psql", "orders-db", "--", "-XAtc", count], env)).toMatchObject({ code: 0, stdout: "500\n" });
    const bad = await run(cli, ["psql", "orders-db", "--role", "reader", "--", "-XAtc", count], {
      ...env,
      COUNTERSIGN_TOKEN: "bad",
    });
    expect(bad).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("The token is refused") });
  });

  it("says which resources there are", async () => {
    const ran = await instance.cli("psql", "order-db");
    expect(ran).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no PostgreSQL resource "order-db"; there is orders-db'),
    });
  });
});

describe("countersign connect", () => {
  it("prints a connection string that is ready", async () => {
    const { stdout } = await instance.cli("connect", "orders-db", "--print");
    expect(await run("psql", ["-XAtc", count, stdout.trim()])).toEqual({ code: 0, stdout: "500\n", stderr: "" });
    const token = (await instance.cli("token", "--subject", "ci-agent")).stdout.trim();
    const env = { COUNTERSIGN_DATA: instance.data, PATH: process.env.PATH ?? "", COUNTERSIGN_TOKEN: token };
    const tcp = await run(cli, ["connect", "orders-db", "--role", "writer", "--print"], env);
    expect(tcp.stdout).toMatch(/^postgresql:\/\/writer:ey[^@]+@127\.0\.0\.1:\d+\/orders-db\?sslmode=disable\n$/);
    expect((await run("psql", ["-Xc", "\\conninfo", tcp.stdout.trim()])).stdout).toContain(
      'database "orders-db" as user "writer"',
    );
  });

  it("opens a port on which only those are the agent who have its password, and only for what it was opened for", async () => {
    const token = (await instance.cli("token", "--subject", "ci-agent")).stdout.trim();
    for (const env of [{}, { COUNTERSIGN_TOKEN: token }]) {
      const { url, end } = await connected(env, "orders-db");
      expect(url).not.toContain(token);
      expect(await run("psql", ["-XAtc", "select current_user", url])).toEqual({
        code: 0,
        stdout: "orders_reader\n",
        stderr: "",
      });
      const other = url.replace("reader:", "writer:").replace("orders-db", "postgres");
      expect((await run("psql", ["-XAtc", "select current_user", other])).stdout).toBe("orders_reader\n");
      const wrong = await run("psql", ["-XAtc", count, url.replace(/:[^:@]+@/, ":guess@")]);
      expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("password authentication failed") });
      const refused = await run("psql", ["-XAtc", count, url], { PGOPTIONS: "-c search_path=x" });
      expect(refused.stderr).toContain('"search_path" is not accepted');
      expect(await end()).toBe(0);
      expect((await run("psql", ["-XAtc", count, url])).stderr).toContain("Connection refused");
    }
  });

  it("passes on what cancels", async () => {
    const { url, end } = await connected({}, "orders-db", "--role", "writer");
    const child = spawn("psql", ["-Xc", "update orders set status = 'paid' where id = 1", url], {
      env: { PATH: process.env.PATH },
    });
    let stderr = "";
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    while (!stderr.includes("NOTICE")) await once(child.stderr, "data");
    child.kill("SIGINT");
    await once(child, "close");
    expect(stderr).toContain("canceling statement due to user request");
    const [id = ""] = /req_\w+/.exec(stderr) ?? [];
    expect((await instance.cli("show", id, "--as", "alice")).stdout).toMatch(/cancelled/i);
    await end();
  });
});
