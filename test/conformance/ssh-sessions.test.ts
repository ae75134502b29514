import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RecordedSession } from "@countersign/rpc";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApproverConnection, approverClient, vote } from "../harness/approver.ts";
import { openBrowser } from "../harness/browser.ts";
import { signIn, violations } from "../harness/console-page.ts";
import { openTerminal, type Terminal } from "../harness/ssh-terminal.ts";
import { program, type SshWorld, sshWorld } from "../harness/ssh-world.ts";

const policy = `version: 1
rules:
  - id: terminals-need-a-human
    resources: [web-1]
    when: ssh.subsystem == "terminal-session" && principal.subject == "ssh-agent"
    effect: review
    role: operator
    limits: { time: 30s }
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: looking-is-free
    resources: [web-1]
    when: ssh.readOnly && ssh.file == ""
    effect: allow
    role: operator
  - id: not-said-to-be-opaque
    resources: [web-1]
    when: ssh.subsystem == "terminal-session" && principal.subject == "hasty"
    effect: allow
    role: operator
  - id: short-ones
    resources: [web-1]
    when: ssh.subsystem == "terminal-session" && principal.subject == "quick"
    effect: allow
    opaque: true
    role: operator
    limits: { time: 1s }
  - id: some-wait-for-nobody
    resources: [web-1]
    when: ssh.subsystem == "terminal-session" && principal.subject == "trusted"
    effect: allow
    opaque: true
    role: operator
`;

let world: SshWorld;
let alice: ApproverConnection;

beforeAll(async () => {
  world = await sshWorld({ policy, listens: true });
  alice = await approverClient(world.instance, "alice");
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

/** A terminal that an approver has agreed to, at its prompt. */
async function approved(): Promise<{ readonly terminal: Terminal; readonly id: string }> {
  const terminal = await openTerminal(world);
  await terminal.until(/waiting for approval: \S*req_\S*/);
  const id = /req_[0-9A-Z]+/.exec(terminal.shown)?.[0] ?? "";
  await vote(alice, id, "approve");
  await terminal.until(/[$#%>] $/);
  return { terminal, id };
}

async function sessions(): Promise<readonly RecordedSession[]> {
  return JSON.parse((await world.instance.cli("sessions", "--json", "--as", "alice")).stdout);
}

async function ended(id: string): Promise<RecordedSession["end"]> {
  const end = async () => (await sessions()).find((one) => one.id === id)?.end;
  await expect.poll(end, { timeout: 10_000 }).toBeDefined();
  return end();
}

/** The recording, as a player gets it. */
async function recording(id: string): Promise<{ readonly text: string; readonly events: readonly [number, string, string][] }> {
  const file = join(world.instance.folder, `${id}.cast`);
  const { stderr, code } = await world.instance.cli("replay", id, "--output", file, "--as", "alice");
  expect({ stderr, code }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("it has the hash that the audit log holds"),
  });
  const [header = "", ...lines] = readFileSync(file, "utf8").split("\n").slice(0, -1);
  expect(JSON.parse(header)).toMatchObject({ version: 2, width: 91, height: 31 });
  const events = lines.map((line): [number, string, string] => JSON.parse(line));
  return { events, text: events.map(([, type, data]) => (type === "o" ? data : "")).join("") };
}

/** With COUNTERSIGN_SCREENSHOTS, to be looked at. */
async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env.COUNTERSIGN_SCREENSHOTS;
  if (folder !== undefined) await page.screenshot({ path: join(folder, `recording-${name}.png`), fullPage: true });
}

const verified = async () => (await world.instance.cli("audit", "verify")).stdout;

test("a session that no rule permits is refused; an allow that does not say `opaque: true` permits none", async () => {
  for (const subject of ["nobody", "hasty"]) {
    const terminal = await openTerminal(world, subject);
    expect((await terminal.closed).status).toBe(126);
    expect(terminal.shown).toMatch(/countersign: denied: .*req_/s);
  }
});

test("held, approved, works as a terminal, and the recording holds what was shown", async () => {
  const { terminal, id } = await approved();
  terminal.type("stty size; printf '\\303'; sleep 0.1; printf '\\251\\377!\\n'\r");
  await terminal.until(/31 91\r\n[\s\S]*\u00e9\ufffd!/);
  terminal.channel.setWindow(50, 120, 0, 0);
  terminal.type("stty size; exit 7\r");
  expect((await terminal.closed).status).toBe(7);
  expect(terminal.shown).toContain("50 120");
  expect(await ended(id)).toMatchObject({ reason: "exited", message: "It ended with exit status 7." });
  const { text, events } = await recording(id);
  expect(text).toContain("31 91\r\n");
  expect(text).toContain("\u00e9\ufffd!\r\n");
  expect(terminal.shown.endsWith(text)).toBe(true);
  expect(events.map(([, type, data]) => [type, data])).toContainEqual(["r", "120x50"]);
  expect(
    events
      .filter(([, type]) => type === "i")
      .map(([, , data]) => data)
      .join(""),
  ).toContain("exit 7\r");
  const times = events.map(([at]) => at);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  // On a terminal only what draws is shown.
  const played = await world.instance.cli("replay", id, "--speed", "100", "--as", "alice");
  expect(played.stdout).toContain("31 91");
  expect(played.stderr).toContain("The session ended (exited)");
});

test("what is typed before the approval is lost, and Ctrl-C takes the request back", async () => {
  const terminal = await openTerminal(world);
  await terminal.until(/waiting for approval/);
  terminal.type("touch /tmp/never\r\x03");
  await terminal.closed;
  expect((await sessions()).some(({ id }) => terminal.shown.includes(id))).toBe(false);
});

test("an approver watches it live and cuts it: the channel is closed at once, and the recording ends with why", async () => {
  const { terminal, id } = await approved();
  const watching = world.instance.cli("watch", id, "--as", "alice");
  terminal.type("echo live; sleep 60\r");
  await terminal.until(/live\r\n/);
  const { client, metadata } = alice;
  const cutMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    client.cutSession({ id, reason: "It went wild." }, metadata, (error) => (error ? reject(error) : resolve()));
  });
  const { atMs } = await terminal.closed;
  console.log(`cut: the client's channel closed after ${(atMs - cutMs).toFixed(0)} ms`);
  expect(atMs - cutMs).toBeLessThan(2500);
  expect(terminal.shown).toMatch(/Revoked/);
  expect(await ended(id)).toMatchObject({ reason: "revoked" });
  const { stdout, stderr } = await watching;
  expect(stdout).toContain("live\r\n");
  expect(stderr).toContain("The session ended (revoked)");
  expect((await recording(id)).text).toContain("live\r\n");
});

test("the console shows it live, cuts it, plays it again by keyboard, and acts on nothing in it", async () => {
  await using browser = await openBrowser();
  const page = await signIn(browser, world.instance, "alice");
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  const { terminal, id } = await approved();
  await page.goto(`${new URL(page.url()).origin}/requests/${id}`);
  const panel = page.getByRole("region", { name: "Recording" });
  terminal.type("clear; printf '\\033]0;owned\\007\\033[31mred\\033[0m <b>bold</b> \\033[8mhidden\\033[0m\\n'\r");
  await panel.getByText("<b>bold</b>").first().waitFor();
  await panel.locator(".terminal .fg-1", { hasText: "red" }).waitFor();
  expect(await page.title()).not.toContain("owned");
  await shoot(page, "live");
  await panel.getByRole("button", { name: "Cut…" }).click();
  await page.getByRole("textbox", { name: /Why/ }).fill("Enough.");
  await page.getByRole("button", { name: "Cut it now" }).click();
  await terminal.closed;
  await panel.getByText(/Revoked/).waitFor();
  expect(await ended(id)).toMatchObject({ reason: "revoked" });
  await panel.getByRole("slider", { name: "Moment" }).focus();
  await page.keyboard.press("Home");
  await expect.poll(() => panel.locator(".terminal").textContent()).not.toContain("red");
  await page.keyboard.press("End");
  await panel.locator(".terminal .fg-1", { hasText: "red" }).waitFor();
  await panel.getByRole("combobox", { name: "Speed" }).selectOption("16 ×");
  await panel.getByRole("button", { name: "Play" }).press("Enter");
  await panel.getByText("As plain text").click();
  await panel.getByRole("group", { name: "The recording as plain text" }).getByText("hidden").first().waitFor();
  expect(await violations(page)).toEqual([]);
  await shoot(page, "ended");
  await page.getByRole("link", { name: "Sessions" }).click();
  await page
    .getByRole("button", { name: /Show the session of ssh-agent/ })
    .first()
    .click();
  await panel.locator(".terminal .fg-1", { hasText: "red" }).waitFor();
  expect(await violations(page)).toEqual([]);
  await shoot(page, "sessions");
  await page.goBack();
  await panel.locator(".terminal").waitFor();
  await page.setViewportSize({ width: 390, height: 800 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await shoot(page, "phone");
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await violations(page)).toEqual([]);
  await shoot(page, "dark");
  // The page's own rules for scripts and styles hold: nothing of the player asks for more.
  expect(complaints).toEqual([]);
});

test("the policy's time is up", async () => {
  const terminal = await openTerminal(world, "quick");
  await terminal.until(/[$#%>] $/);
  await terminal.closed;
  const [session] = await sessions();
  expect(session).toMatchObject({ kind: "terminal", end: { reason: "limit" } });
});

test("a session that waited for nobody is cut all the same", async () => {
  const terminal = await openTerminal(world, "trusted");
  await terminal.until(/[$#%>] $/);
  const [{ id = "" } = {}] = await sessions();
  expect(await world.instance.cli("revoke", id, "--reason", "Enough.", "--as", "alice")).toMatchObject({ code: 0 });
  await terminal.closed;
  expect(await ended(id)).toMatchObject({ reason: "revoked" });
});

test("OpenSSH's client asks for it by its name", async () => {
  const [host = "", port = ""] = world.ssh.address.split(":");
  const known = join(world.instance.folder, "known_hosts");
  writeFileSync(known, `[${host}]:${port} ${world.ssh.hostKey}\n`);
  const options = ["-F", "none", "-i", world.agentKey, "-o", `UserKnownHostsFile=${known}`, "-p", port];
  const asking = program("ssh", [...options, "-tt", "-s", `web-1@${host}`, "terminal-session"]);
  const waiting = async () => /req_[0-9A-Z]+/.exec((await world.instance.cli("requests", "--json", "--as", "alice")).stdout)?.[0];
  await expect.poll(waiting, { timeout: 10_000 }).toBeDefined();
  const id = (await waiting()) ?? "";
  await vote(alice, id, "deny");
  expect(await asking).toMatchObject({ code: 126, stderr: expect.stringContaining("denied") });
});

test("au-crash: kill -9 leaves a session without an end, which the next start ends as unknown; the verifier tells its story", async () => {
  const { terminal, id } = await approved();
  terminal.type("echo before the crash\r");
  await terminal.until(/crash\r\n/);
  const isRecorded = async () => (await world.instance.cli("replay", id, "--speed", "1000", "--as", "alice")).stdout;
  await expect.poll(isRecorded, { timeout: 10_000 }).toContain("before the crash\r\n");
  await world.instance.end("SIGKILL");
  await terminal.closed;
  expect(await verified()).toMatch(new RegExp(`${id} .*a recorded session without an end`));
  await world.instance.up();
  expect(await verified()).not.toMatch(/a recorded session without an end/);
  expect((await sessions()).find((one) => one.id === id)?.end).toMatchObject({ reason: "unknown", recording: "" });
  const replayed = await world.instance.cli("replay", id, "--speed", "1000", "--as", "alice");
  expect(replayed.stdout).toContain("before the crash\r\n");
});
