// Fails when packages/rpc/src/gen is not what proto/ generates.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./toolchain.mjs";

const generated = join(root, "packages/rpc/src/gen");
const kept = mkdtempSync(join(tmpdir(), "countersign-gen-"));
cpSync(generated, kept, { recursive: true });
try {
  execFileSync("node", [join(root, "packages/rpc/codegen.mjs")], { stdio: "inherit" });
  const names = (folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
      .sort();
  const before = names(kept);
  const after = names(generated);
  const changed = [...new Set([...before, ...after])].filter((name) => {
    return !before.includes(name) || !after.includes(name) || !readFileSync(kept + name).equals(readFileSync(generated + name));
  });
  if (changed.length > 0) {
    process.stderr.write(`Generated code is not current: ${changed.join(", ")}. Run \`pnpm codegen\` and commit the result.\n`);
    process.exitCode = 1;
  }
} finally {
  rmSync(generated, { recursive: true, force: true });
  cpSync(kept, generated, { recursive: true });
  rmSync(kept, { recursive: true, force: true });
}
