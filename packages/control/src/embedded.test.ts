import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { draft } from "../fixtures/drafts.ts";
import { MemoryLog } from "../fixtures/memory-log.ts";
import { openPlane, temporaryFolder } from "../fixtures/plane.ts";
import { openEmbeddedControlPlane } from "./embedded.ts";
import { openEmbeddedLog } from "./embedded-log.ts";
import { openKeys } from "./keys.ts";

/** Another process that has the folder open. */
async function holder(folder: string) {
  const script = new URL("../fixtures/hold-folder.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--conditions=source", script, folder], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

test("a folder is open in one process at a time, and free again when that one is killed", async () => {
  const folder = temporaryFolder();
  const child = await holder(folder);
  let logs = 0;
  const openLog = async () => {
    logs++;
    return new MemoryLog();
  };
  const keys = openKeys(folder);
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(openEmbeddedControlPlane({ folder, keys, openLog })).rejects.toMatchObject({
      code: "folder_in_use",
      message: expect.stringContaining("control.db"),
    });
  }
  // A second writer would fork the log.
  expect(logs).toBe(0);
  child.kill("SIGKILL");
  await once(child, "exit");
  await using plane = await openEmbeddedControlPlane({ folder, keys, openLog });
  expect(plane.audit).toBeInstanceOf(MemoryLog);
});

test("the same process cannot open a folder twice either, and the first stays locked", async () => {
  const { folder } = await openPlane();
  for (let attempt = 0; attempt < 2; attempt++) await expect(openPlane(folder)).rejects.toMatchObject({ code: "folder_in_use" });
});

test("a folder that does not open is free again", async () => {
  const folder = temporaryFolder();
  const openLog = async () => Promise.reject(new Error("no log"));
  await expect(openEmbeddedControlPlane({ folder, keys: openKeys(folder), openLog })).rejects.toThrow("no log");
  await openPlane(folder);
});

test("files are the owner's alone", async () => {
  const { folder, open } = await openPlane();
  await open();
  for (const name of ["control.db", "control.db-wal"]) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

test("what is asked is on disk, and is not readable there without the key", async () => {
  const { folder, open, close, clock } = await openPlane();
  const request = await open({ statement: "delete from payroll_2026" });
  await close();
  expect(readFileSync(join(folder, "control.db")).includes("payroll_2026")).toBe(false);
  const again = await openPlane(folder, clock);
  expect(await again.requests.list({ unfinishedOf: "local" })).toEqual([request]);
});

test("with the real log, requests are recorded and the log is closed with the control plane", async () => {
  const folder = temporaryFolder();
  const keys = openKeys(folder);
  const options = { folder, keys, openLog: () => openEmbeddedLog(folder, keys, "test.example/log") };
  const first = await openEmbeddedControlPlane(options);
  const request = await first.requests.open(draft({ nowMs: first.now() }));
  await first.close();
  await using second = await openEmbeddedControlPlane(options);
  expect(second.audit.log.size).toBe(1);
  const [record] = await second.audit.recordsOf(request.binding.requestId);
  expect(JSON.parse(Buffer.from(record ?? []).toString())).toMatchObject({
    type: "request",
    action: request.binding.actionDigest,
  });
});
