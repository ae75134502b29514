import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { addressesFile } from "../instance.ts";
import { run } from "../run.ts";
import { testingTerminal } from "../terminal/testing-terminal.ts";

const clusters = [
  { resource: "prod", server: "https://127.0.0.1:6443", ca: "PEM" },
  { resource: "prod", server: "https://127.0.0.1:7443/clusters/prod", ca: "PEM" },
  { resource: "stage", server: "https://127.0.0.1:7443/clusters/stage" },
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-kubeconfig-"));
  await listening(clusters);
});
afterEach(() => rm(folder, { recursive: true }));

async function listening(kubernetes: readonly object[]): Promise<void> {
  const file = addressesFile(folder);
  await mkdir(join(file, ".."), { recursive: true });
  const rest = { pid: 1, agent: ["unix:///a"], approver: "unix:///b", operator: "/c", console: "http://d", approvers: [] };
  await writeFile(file, JSON.stringify({ ...rest, kubernetes }));
}

async function kubeconfig(...args: readonly string[]) {
  const terminal = testingTerminal({ cwd: folder, env: { HOME: folder } });
  const code = await run(["kubeconfig", ...args, "--data", folder], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

const serverOf = (text: string): unknown => parse(text).clusters[0].cluster.server;

test("the first listener that leads to the cluster", async () => {
  const { code, out } = await kubeconfig("prod");
  expect([code, serverOf(out)]).toEqual([0, "https://127.0.0.1:6443"]);
  expect(JSON.parse((await kubeconfig("stage", "--json")).out)).toMatchObject({
    clusters: [{ cluster: { server: "https://127.0.0.1:7443/clusters/stage" } }],
  });
});

test("a sidecar elsewhere is named by its address; nothing has to run here", async () => {
  await writeFile(join(folder, "ca.pem"), "OTHER");
  const { code, out } = await kubeconfig("prod", "--address", "https://sidecar:6443/clusters/prod", "--tls-ca", "ca.pem");
  expect([code, parse(out).clusters[0].cluster]).toEqual([
    0,
    { server: "https://sidecar:6443/clusters/prod", "certificate-authority-data": "T1RIRVI=" },
  ]);
  // kubectl would send the agent's token for everybody to read.
  expect(await kubeconfig("prod", "--address", "http://sidecar:6443")).toMatchObject({
    code: 2,
    err: expect.stringContaining("is not https://HOST:PORT"),
  });
});

test("a new file only its owner can read; never over one that is there", async () => {
  expect((await kubeconfig("prod", "--out", "new.yaml")).code).toBe(0);
  expect((await stat(join(folder, "new.yaml"))).mode & 0o777).toBe(0o600);
  const again = await kubeconfig("prod", "--out", "new.yaml");
  expect(again).toMatchObject({ code: 2, err: expect.stringMatching(/it exists; to add to it: --merge .*new\.yaml/) });
});

test("merged into ~/.kube/config, which a link may lead to; what is there stays", async () => {
  await mkdir(join(folder, ".kube"));
  await writeFile(join(folder, "real"), "current-context: own\ncontexts: [{ name: own, context: {} }]\n");
  await symlink(join(folder, "real"), join(folder, ".kube", "config"));
  expect(await kubeconfig("prod", "--merge")).toMatchObject({
    code: 0,
    err: expect.stringContaining("--context countersign-prod"),
  });
  const text = await readFile(join(folder, "real"), "utf8");
  expect(parse(text)).toMatchObject({ "current-context": "own", contexts: [{ name: "own" }, { name: "countersign-prod" }] });
});

test("what cannot work says how to fix it", async () => {
  expect(await kubeconfig("other")).toMatchObject({ code: 2, err: expect.stringContaining("there is prod, stage") });
  expect(await kubeconfig("prod", "--out", "x", "--merge")).toMatchObject({
    code: 2,
    err: expect.stringContaining("one of them"),
  });
  expect(await kubeconfig("prod", "--tls-ca", "x")).toMatchObject({
    code: 2,
    err: expect.stringContaining("belongs to --address"),
  });
  await listening([]);
  expect(await kubeconfig("prod")).toMatchObject({ code: 4, err: expect.stringContaining("kubernetes: [{ tcp:") });
});
