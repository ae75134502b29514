// The long form of the soak: `npm run soak -- [--cycles 5000] [--seed N]`. Ends with 1 when something that was acknowledged is lost.
import { longForm } from "../../harness/long-form.ts";
import { soak } from "./soak.ts";
import { verifyAudit } from "./verify.ts";

const { cycles, seed } = longForm({
  usage: "npm run soak -- [--cycles N] [--seed N]",
  numbers: { cycles: 5000, seed: 1 + (Date.now() % 1_000_000) },
}).numbers;
const began = performance.now();
process.stderr.write(`seed ${seed}\n`);
const { folder, remove, contradictions, ...counts } = await soak({
  ...{ cycles, seed },
  progress: (text) => process.stderr.write(`${text}\n`),
});
const seconds = ((performance.now() - began) / 1000).toFixed(0);
process.stdout.write(`${JSON.stringify({ seed, ...counts, seconds })}\n${contradictions.map((one) => `${one}\n`).join("")}`);
const verified = await verifyAudit(folder);
process.stdout.write(verified);
const isRight = contradictions.length === 0 && verified.includes("intact");
if (isRight) remove();
else process.stderr.write(`The data folder is kept: ${folder}\n`);
process.exitCode = isRight ? 0 : 1;
