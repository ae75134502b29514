// Model check of requests: `node --conditions=source test/model/main.ts [--scenario WORDS] [--deep] [--mutant NAME]`.
// Ends with 1 when an invariant is broken, and shows the steps that lead there.
import { parseArgs } from "node:util";
import { makeRepeatable } from "./determinism.ts";
import { mutants } from "./mutants.ts";
import { loadWith } from "./mutate.ts";

const { values } = parseArgs({
  options: { scenario: { type: "string" }, deep: { type: "boolean", default: false }, mutant: { type: "string" } },
});
const mutant = mutants.find(({ name }) => name === values.mutant);
if (values.mutant !== undefined && mutant === undefined) throw new Error(`There is no mutant ${values.mutant}`);
loadWith(mutant);
// Only now: the product is loaded with the mutant's edits.
const [{ explore, pause }, { deep, scenarios }] = await Promise.all([import("./explore.ts"), import("./scenario.ts")]);
makeRepeatable({ sleep: pause });

const words = values.scenario ?? mutant?.scenario ?? "";
const chosen = scenarios.filter(({ name }) => name.startsWith(words));
if (chosen.length === 0) throw new Error(`There is no scenario ${words}`);
const total = { states: 0, transitions: 0 };
for (const scenario of chosen) {
  const began = process.cpuUsage();
  const { states, transitions, depth, ran, broken } = await explore(values.deep ? deep(scenario) : scenario);
  total.states += states;
  total.transitions += transitions;
  const took = (process.cpuUsage(began).user / 1e6).toFixed(1);
  process.stdout.write(
    `${scenario.name}: ${states} states, ${transitions} transitions, ${depth} steps at most, ${ran} of the states after a statement was sent, ${took} s\n`,
  );
  if (broken === undefined) continue;
  process.stdout.write(`BROKEN: ${broken.what}\n${broken.trace.map((one, index) => `  ${index + 1}. ${one}`).join("\n")}\n`);
  process.exit(1);
}
process.stdout.write(`In all ${total.states} states and ${total.transitions} transitions; every invariant holds in each.\n`);
process.exit(0);
