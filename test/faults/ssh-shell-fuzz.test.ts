import { expect, test } from "vitest";
import { Random } from "../harness/random.ts";
import { fuzzShell } from "./ssh-shell/shell-fuzz.ts";

test("whatever is typed at a guarded shell, what is asked about is what stands on the screen, with an Enter of its own", async () => {
  const all = { ran: 0, compared: 0 };
  for (let seed = 1; seed <= 60; seed++) {
    const { ran, compared } = await fuzzShell(new Random(seed), 100).catch((cause: unknown) => {
      throw new Error(`seed ${seed}`, { cause });
    });
    all.ran += ran;
    all.compared += compared;
  }
  // Or else nothing was tried.
  expect(all.compared).toBeGreaterThan(300);
  expect(all.ran).toBeGreaterThan(all.compared);
}, 60_000);
