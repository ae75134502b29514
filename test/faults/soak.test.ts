import { expect, onTestFinished, test } from "vitest";
import { soak } from "./soak/soak.ts";
import { verifyAudit } from "./soak/verify.ts";

const cycles = 200;
const seed = Number(process.env.SOAK_SEED ?? 20_260_101);

test(`au-crash: after each of ${cycles} kills (-9) nothing acknowledged is lost and nothing ran twice; seed ${seed}`, async () => {
  const began = performance.now();
  const { folder, remove, ...counts } = await soak({ cycles, seed, progress: () => {} });
  onTestFinished(remove);
  console.log({ seed, ...counts, seconds: Math.round((performance.now() - began) / 1000) });
  expect(counts.contradictions).toEqual([]);
  // What is never in flight is never lost: each kind has to have been.
  for (const kind of ["requests", "votes", "revocations", "locks", "outcomes", "executed"] as const) {
    expect(counts[kind], kind).toBeGreaterThan(cycles / 10);
  }
  expect(counts.doubts).toBeGreaterThan(0);
  expect(counts.resolved).toBeGreaterThan(0);
  const verified = await verifyAudit(folder);
  expect(verified).toContain("intact");
  // Every doubt was cleared up, by the target or by a person.
  expect(verified).not.toContain("doubt");
}, 900_000);
