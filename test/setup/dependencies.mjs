// Checks who imports whom (ARCHITECTURE.md, "Packages"): the direction between packages, and that there is no cycle between files.
// Type-only imports count: a type that points the wrong way is a dependency too. And what `countersign` loads before it knows the command:
// nothing large, so that every command starts fast.
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseSync } from "oxc-parser";

const root = resolve(import.meta.dirname, "../..");

/** What of ours each package may import. */
const mayImport = {
  policy: [],
  audit: [],
  rpc: [],
  control: ["policy", "audit", "rpc"],
  sidecar: ["policy", "audit", "rpc"],
  sdk: ["policy", "rpc"],
  console: ["rpc"],
  cli: ["policy", "audit", "rpc", "control", "sidecar", "sdk", "console"],
};
const packageOf = Object.fromEntries(
  Object.keys(mayImport).map((name) => [
    JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")).name,
    name,
  ]),
);

const files = globSync(["packages/*/src/**/*.{ts,tsx}"], { cwd: root }).filter((file) => !file.includes("/gen/"));
const problems = [];
/** File → files that it imports. */
const graph = new Map();

for (const file of files) {
  const imported = importsOf(file);
  const own = file.split("/")[1] ?? "";
  const isTest = /\.test\.tsx?$/.test(file);
  graph.set(file, []);
  for (const specifier of imported) {
    if (specifier.startsWith(".")) {
      const target = relative(root, join(root, dirname(file), specifier));
      if (!target.startsWith(`packages/${own}/`) && !isTest)
        problems.push(`${file} reaches into ${target}: import the package by its name`);
      if (target === `packages/${own}/src/index.ts` && !isTest) problems.push(`${file} imports its own package's index`);
      graph.get(file).push(target);
      continue;
    }
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    const other = packageOf[name];
    if (other !== undefined && !isTest && !mayImport[own].includes(other))
      problems.push(`${file} imports ${specifier}: ${own} may import only ${mayImport[own].join(", ") || "nothing of ours"}`);
  }
}
for (const [file, specifier] of loadedAtStart("packages/cli/src/main.ts"))
  problems.push(`${file} imports ${specifier} for every command: import it where a command runs`);
for (const cycle of cyclesOf(graph)) problems.push(`import cycle: ${cycle.join(" → ")}`);

if (files.length < 50) problems.push(`only ${files.length} files were found; this check looks in the wrong place`);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;

function importsOf(file) {
  const { module, errors } = parseSync(file, readFileSync(join(root, file), "utf8"));
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
  const specifiers = module.staticImports.map((one) => one.moduleRequest.value);
  for (const one of module.staticExports)
    for (const entry of one.entries) if (entry.moduleRequest) specifiers.push(entry.moduleRequest.value);
  return new Set(specifiers);
}

/** The packages of ours that a file loads at once, by itself or through others. */
function loadedAtStart(start) {
  const found = [];
  const seen = new Set();
  const visit = (file) => {
    if (seen.has(file)) return;
    seen.add(file);
    const { module } = parseSync(file, readFileSync(join(root, file), "utf8"));
    const loaded = module.staticImports.filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType));
    for (const { moduleRequest } of loaded) {
      const specifier = moduleRequest.value;
      if (specifier.startsWith(".")) visit(relative(root, join(root, dirname(file), specifier)));
      else if (specifier.startsWith("@countersign/")) found.push([file, specifier]);
    }
  };
  visit(start);
  return found;
}

function cyclesOf(edges) {
  const state = new Map();
  const path = [];
  const cycles = [];
  const visit = (file) => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") return void cycles.push([...path.slice(path.indexOf(file)), file]);
    state.set(file, "open");
    path.push(file);
    for (const next of edges.get(file) ?? []) visit(next);
    path.pop();
    state.set(file, "done");
  };
  for (const file of edges.keys()) visit(file);
  return cycles;
}
