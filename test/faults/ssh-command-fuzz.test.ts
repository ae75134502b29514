import { expect, test } from "vitest";
import { Random } from "../harness/random.ts";
import { fuzzCommands } from "./ssh-command/command-fuzz.ts";

test("ssh-opaque: whatever a command line is made of, it is not both allowed by a rule that does not say so and opaque", () => {
  let clear = 0;
  for (let seed = 1; seed <= 20; seed++) {
    try {
      clear += fuzzCommands(new Random(seed), 500).clear;
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
  // Or else nothing was tried: some are understood, most are not.
  expect(clear).toBeGreaterThan(500);
  expect(clear).toBeLessThan(9000);
}, 60_000);
