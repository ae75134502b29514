import { copyFileSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentServiceClient, type GetPolicyResponse } from "@countersign/rpc";
import { credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

let instance: Instance;
beforeAll(async () => {
  instance = await Instance.start();
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});

const at = (name: string): string => join(instance.folder, name);

async function policy(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await instance.cli("policy", ...argv);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

interface Status {
  readonly digest: string;
  readonly version?: number;
  readonly failure?: { readonly problems: readonly { readonly message: string }[] };
}

/** Waits for a status; gives it. */
async function status(wanted: (found: Status) => boolean): Promise<Status> {
  for (let tries = 0; ; tries++) {
    const found: Status = JSON.parse((await instance.cli("policy", "status", "--json")).stdout);
    if (wanted(found)) return found;
    if (tries > 40) throw new Error(`not wanted: ${JSON.stringify(found)}`);
    await sleep(50);
  }
}

/** Puts a file in the policy's place. */
function use(name: string): void {
  copyFileSync(at(name), at("policy.new"));
  renameSync(at("policy.new"), at("policy.yaml"));
}

/** What an agent's client gets to see, as it is on the wire. */
async function seen(): Promise<GetPolicyResponse> {
  const client = new AgentServiceClient(instance.at.agent.replace(/^unix:\/\//, "unix:"), credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) =>
      client.getPolicy({}, new Metadata(), (error, answer) => (error ? reject(error) : resolve(answer))),
    );
  } finally {
    client.close();
  }
}

test("what is private decides, and is in nothing that an agent can get before", async () => {
  await using cs = instance.client();
  const ask = { kind: "postgres.query", resource: "orders-db", statement: "select total from orders" } as const;
  expect(await cs.check(ask)).toMatchObject({ effect: "allow", complete: true });
  expect(await seen()).toMatchObject({ partial: false, files: { "policy.yaml": ordersPolicy } });
  instance.configure(`${ordersPolicy}  # The decoy watches the column total.
  - { id: decoy, private: true, effect: deny, when: 'sql.text.contains("total")', message: Not this. }
`);
  const { digest } = await status((found) => found.digest !== "" && instance.log.includes("another policy is in force"));
  const wire = await seen();
  expect(wire).toMatchObject({ partial: true, policyDigest: digest });
  expect(JSON.stringify(wire)).not.toMatch(/decoy|total|Not this/);
  await expect(cs.postgres("orders-db").query(ask.statement)).rejects.toMatchObject({ code: "denied" });
  // The rules that it may know say yes; it is told that there are others.
  expect(await cs.check(ask)).toMatchObject({ effect: "allow", complete: false, policyDigest: digest });
});

test("with keys configured only a bundle that one of them signed decides: at the start, and while it runs", async () => {
  const [key, other] = await Promise.all(["key.pem", "other.pem"].map(async (name) => (await policy("keygen", name)).trim()));
  instance.configure(ordersPolicy);
  const bundle = (out: string, version: string, ...more: readonly string[]) =>
    policy("bundle", "--policy", "policy.yaml", "--out", out, "--bundle-version", version, ...more);
  await bundle("v2", "2", "--sign", "key.pem");
  await bundle("forged", "9", "--sign", "other.pem");
  await bundle("unsigned", "9");
  instance.configure(`${ordersPolicy}  - { id: no-reads, effect: deny, when: sql.readOnly, message: Not now. }\n`);
  await bundle("v3", "3", "--sign", "key.pem", "--sign", "other.pem");
  await bundle("brief", "4", "--sign", "key.pem", "--expires", "1s");
  await instance.end();
  expect(key).not.toBe(other);

  await using guarded = await Instance.start({
    shares: instance,
    config: `policyKeys: [${JSON.stringify(key)}]\n`,
    policy: readFileSync(at("v2"), "utf8"),
  });
  const before = instance;
  instance = guarded;
  for (const name of ["v2", "v3", "forged", "unsigned", "brief"]) copyFileSync(join(before.folder, name), at(name));
  try {
    await using cs = guarded.client();
    const read = () => cs.postgres("orders-db").query("select 1 as one");
    expect((await read()).rows).toEqual([{ one: 1 }]);
    const { digest } = await status(({ version }) => version === 2);
    for (const [name, why] of [
      ["unsigned", /is not signed/],
      ["forged", /No trusted key/],
      ["brief", /expired/],
    ] as const) {
      use(name);
      const found = await status(({ failure }) => why.test(failure?.problems[0]?.message ?? ""));
      expect(found).toMatchObject({ digest, version: 2 });
      expect((await read()).rows).toEqual([{ one: 1 }]);
    }
    use("v3");
    await status(({ version, failure }) => version === 3 && failure === undefined);
    await expect(read()).rejects.toMatchObject({ code: "denied" });
    use("v2");
    await status(({ failure }) => /was in use already/.test(failure?.problems[0]?.message ?? ""));
    await expect(read()).rejects.toMatchObject({ code: "denied" });
    await guarded.end();
    // Not by a restart either.
    await expect(guarded.up()).rejects.toThrow(/ended with 2: .*was in use already/s);
    use("forged");
    await expect(guarded.up()).rejects.toThrow(/ended with 2: .*No trusted key/s);
  } finally {
    instance = before;
  }
});
