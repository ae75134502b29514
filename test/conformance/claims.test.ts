import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Approver, CountersignError } from "@countersign/policy";
import { expect, onTestFinished, test } from "vitest";
import { draft } from "../../packages/control/fixtures/drafts.ts";
import {
  type EmbeddedControlPlane,
  openEmbeddedControlPlane,
  openEmbeddedLog,
  openKeys,
} from "../../packages/control/src/index.ts";
import { startPostgres } from "../harness/postgres.ts";
import type { Answer, Ask, Claimable, Result } from "./claims/wire.ts";

const claimers = 8;
const count = 5_000;
const seed = Number(process.env.CLAIMS_SEED ?? 7);
const sidecar = "local";

const person = (subject: string): Approver => ({ issuer: "race", subject, groups: ["dba"] });

/**
 * `control.db` belongs to one process, the control plane. What races are eight other processes that ask it for the same permits under the name
 * of one sidecar, as when a sidecar is started again while the one before it is still alive, and that run at the target what they are given.
 */
test(`${claimers} processes race to claim ${count} approved requests: each is claimed once and runs once; seed ${seed}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-claims-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await using postgres = await startPostgres({
    sql: ["create table executions (request text not null, by int not null)"],
    configuration: { fsync: "off" },
  });
  const keys = openKeys(folder);
  await using plane = await openEmbeddedControlPlane({ folder, keys, openLog: () => openEmbeddedLog(folder, keys, "race") });
  const requests = await approved(plane);

  const began = performance.now();
  const results = await Promise.all(
    Array.from({ length: claimers }, (_, index) =>
      race(plane, { requests, seed: seed + index, connection: postgres.connection() }),
    ),
  );
  const seconds = (performance.now() - began) / 1000;

  const [row] = await postgres.query(
    "select count(*)::int as executions, count(distinct request)::int as requests from executions",
  );
  const claims = await recordedClaims(plane, requests);
  console.log({ seed, seconds: seconds.toFixed(1), ...row, claims, results });
  expect(row).toEqual({ executions: count, requests: count });
  expect(results.reduce((sum, { claimed }) => sum + claimed, 0)).toBe(count);
  expect(claims).toBe(count);
  // Everybody else was told that it is taken, and nobody anything else.
  const refused = results.map((one) => one.refused.not_pending ?? 0).reduce((sum, one) => sum + one, 0);
  expect(refused).toBe(count * (claimers - 1));
  // A race that one wins from the start to the end shows nothing.
  for (const { claimed } of results) expect(claimed).toBeGreaterThan(0);
  const states = await plane.approvals.list({ states: ["pending", "approved", "executing"] }, 1);
  expect(states).toEqual([]);
}, 180_000);

/** Opens requests and has two people agree to each. */
async function approved(plane: EmbeddedControlPlane<Awaited<ReturnType<typeof openEmbeddedLog>>>): Promise<readonly Claimable[]> {
  const requirements = [{ rule: "writes", stages: [{ approvers: ["group:dba"], count: 2 }] }];
  const one = async (): Promise<Claimable> => {
    const statement = `update orders set total = 0 -- ${randomBytes(6).toString("hex")}`;
    const asked = draft({ nowMs: plane.now(), statement, sidecar, approval: { requirements } });
    const { requestDigest: digest, binding } = await plane.requests.open(asked);
    const attempt = { requestDigest: digest, verdict: "approve", comment: "" } as const;
    await plane.approvals.vote(binding.requestId, attempt, person("ann"));
    await plane.approvals.vote(binding.requestId, attempt, person("bob"));
    return { id: binding.requestId, digest };
  };
  const requests: Claimable[] = [];
  while (requests.length < count) requests.push(...(await Promise.all(Array.from({ length: 250 }, one))));
  return requests;
}

/** Runs one claimer to its end and does for it what it asks of the control plane. */
async function race(
  plane: Pick<EmbeddedControlPlane<never>, "requests">,
  task: { readonly requests: readonly Claimable[]; readonly seed: number; readonly connection: object },
): Promise<Result> {
  const child: ChildProcess = fork(fileURLToPath(new URL("claims/claimer.ts", import.meta.url)), {
    execArgv: ["--conditions=source", "--no-warnings"],
  });
  try {
    return await new Promise<Result>((resolve, reject) => {
      child.on("exit", (code) => reject(new Error(`A claimer ended with ${code}`)));
      child.on("message", (message: Ask | { readonly result: Result }) => {
        if ("result" in message) resolve(message.result);
        else void answer(plane, message).then((given) => child.send({ answer: given }));
      });
      child.send({ task });
    });
  } finally {
    child.removeAllListeners("exit");
    child.kill("SIGKILL");
  }
}

async function answer({ requests }: Pick<EmbeddedControlPlane<never>, "requests">, ask: Ask): Promise<Answer> {
  const { number } = ask;
  try {
    if ("claim" in ask) await requests.claim(ask.claim.id, ask.claim.digest, sidecar);
    else {
      const outcome = { state: "succeeded", rows: 0, rowsAffected: 1, bytes: 0, durationMs: 1 } as const;
      await requests.settle(ask.settle, { outcome, by: "sidecar", resultEvents: 0 });
    }
    return { number };
  } catch (error) {
    return { number, refused: error instanceof CountersignError ? error.code : String(error) };
  }
}

/** How many claims the audit log holds about these requests. */
async function recordedClaims(
  { audit }: EmbeddedControlPlane<Awaited<ReturnType<typeof openEmbeddedLog>>>,
  requests: readonly Claimable[],
): Promise<number> {
  let claims = 0;
  for (const { id } of requests) {
    for (const bytes of await audit.recordsOf(id)) {
      const { type, detail } = JSON.parse(Buffer.from(bytes).toString());
      if (type === "state" && detail.to === "executing") claims++;
    }
  }
  return claims;
}
