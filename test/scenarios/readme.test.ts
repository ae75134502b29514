import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadParser, loadPolicy } from "@countersign/policy";
import { expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const readme = readFileSync(join(root, "README.md"), "utf8");
const bin = join(root, "node_modules/.bin");

/** The README's snippets of a language. */
function snippets(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, text]) => text ?? "");
}

test("every TypeScript snippet of the README compiles", () => {
  const code = snippets("ts");
  expect(code.length).toBeGreaterThan(1);
  const scratch = mkdtempSync(join(root, "test", ".readme-"));
  try {
    for (const [index, text] of code.entries()) writeFileSync(join(scratch, `snippet-${index}.ts`), text);
    writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify({ extends: "../tsconfig.json", include: ["*.ts"] }));
    const { stdout, status } = spawnSync(join(bin, "tsc"), ["-p", scratch], { encoding: "utf8" });
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test("the README's policy loads", async () => {
  await loadParser();
  for (const text of snippets("yaml")) expect(loadPolicy({ "policy.yaml": text }).digest).toMatch(/^sha256:/);
});

test("every command in the README is one that there is", () => {
  const commands = [...readme.matchAll(/^npx countersign ([a-z-]+(?: verify)?)/gm)].map(([, command]) => command ?? "");
  expect(commands.length).toBeGreaterThan(4);
  for (const command of commands) {
    const { status, stdout } = spawnSync(join(root, "packages/cli/bin/countersign.mjs"), [...command.split(" "), "--help"], {
      encoding: "utf8",
      env: { ...process.env, PATH: `${join(bin)}:${process.env.PATH}` },
    });
    expect({ command, status, usage: stdout.includes(`countersign ${command}`) }).toEqual({ command, status: 0, usage: true });
  }
});

test("`npm start` and `npm test` are scripts of the workspace", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["start", "test"]));
});

test("links lead to files", () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path ?? "");
  expect(links.length).toBeGreaterThan(5);
  for (const link of links) expect(() => readFileSync(join(root, link, link.includes(".") ? "" : "."))).not.toThrow(/ENOENT/);
});
