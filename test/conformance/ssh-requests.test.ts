import { readFileSync } from "node:fs";
import { join } from "node:path";
import { askedPayload } from "@countersign/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { byte, SshWire } from "../harness/ssh-wire.ts";
import { type SshWorld, sshWorld } from "../harness/ssh-world.ts";

let world: SshWorld;
/** One connection for all that leaves it as it was. */
let wire: SshWire;
let sessions = 0;
beforeAll(async () => {
  world = await sshWorld({ listens: true });
  wire = await SshWire.open(world);
});
afterAll(async () => {
  wire?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

const ofRequest = /^CHANNEL_(SUCCESS|FAILURE)$/;

type Part = Buffer | number | string | boolean;
const [globalRequest, channelOpen, channelRequest] = [byte(80), byte(90), byte(98)];
const origin: readonly Part[] = ["127.0.0.1", 4000];
const ports: readonly Part[] = ["127.0.0.1", 22, ...origin];

/** What is refused and recorded, with what it says of itself. RFC 4254, OpenSSH's PROTOCOL, and what nobody has heard of. */
const channels: readonly (readonly [type: string, ...rest: readonly Part[]])[] = [
  ["x11", ...origin],
  ["forwarded-tcpip", ...ports],
  ["direct-tcpip", ...ports],
  ["forwarded-streamlocal@openssh.com", "/tmp/s", ""],
  ["direct-streamlocal@openssh.com", "/tmp/s", "", 0],
  ["tun@openssh.com", 1, 0x7f_ff_ff_ff],
  ["auth-agent@openssh.com"],
  ["auth-agent"],
  ["made-up@example.org", Buffer.alloc(40, 7)],
];
const globals: readonly (readonly [name: string, ...rest: readonly Part[]])[] = [
  ["tcpip-forward", "127.0.0.1", 0],
  ["cancel-tcpip-forward", "127.0.0.1", 4000],
  ["streamlocal-forward@openssh.com", "/tmp/s"],
  ["cancel-streamlocal-forward@openssh.com", "/tmp/s"],
  ["hostkeys-prove-00@openssh.com", "key"],
  ["hostkeys-00@openssh.com", "key"],
  ["made-up@example.org"],
];
const requests: readonly (readonly [name: string, ...rest: readonly Part[]])[] = [
  ["env", "LD_PRELOAD", "/tmp/evil.so"],
  ["x11-req", false, "MIT-MAGIC-COOKIE-1", "00", 0],
  ["auth-agent-req@openssh.com"],
  ["auth-agent-req"],
  ["subsystem", "netconf"],
  ["break", 500],
  ["xon-xoff", true],
  ["exit-status", 0],
  ["exit-signal", "TERM", false, "", ""],
  ["eow@openssh.com"],
  ["made-up@example.org"],
];

describe("ssh-channels: every channel and request that is not served is refused", () => {
  test.each(channels)("a channel of the type %s", async (type, ...rest) => {
    wire.send(channelOpen, type, 0, 1 << 20, 32_768, ...rest);
    expect((await wire.answer(/^CHANNEL_OPEN/)).name).toBe("CHANNEL_OPEN_FAILURE");
    // The connection is as good as before.
    expect(await wire.session(++sessions)).toBeGreaterThanOrEqual(0);
  });

  test.each(globals)("a global request %s", async (name, ...rest) => {
    wire.send(globalRequest, name, true, ...rest);
    expect((await wire.answer(/^REQUEST/)).name).toBe("REQUEST_FAILURE");
    expect(await wire.session(++sessions)).toBeGreaterThanOrEqual(0);
  });

  test("on another connection: the number of refusals on record for each is bounded", async () => {
    wire[Symbol.dispose]();
    wire = await SshWire.open(world);
  });

  test.each(requests)("a request %s of a session", async (name, ...rest) => {
    const session = await wire.session(++sessions);
    wire.send(channelRequest, session, name, true, ...rest);
    expect((await wire.answer(ofRequest)).name).toBe("CHANNEL_FAILURE");
    wire.send(channelRequest, session, "exec", true, "true");
    expect((await wire.answer(ofRequest)).name).toBe("CHANNEL_SUCCESS");
  });

  test("each of them is on record, and nothing else is", async () => {
    const folder = join(world.instance.folder, "export");
    expect((await world.instance.cli("audit", "export", folder)).code).toBe(0);
    const refused = readFileSync(join(folder, "records.jsonl"), "utf8")
      .split("\n")
      .filter((line) => line.includes('"refusal"'))
      .map((line) => JSON.parse(line));
    const names = [...channels, ...globals, ...requests].map(([name, what]) => (name === "subsystem" ? String(what) : name));
    // Records hold no payloads, only their sizes and salted digests.
    const sizeOf = (subsystem: string) =>
      askedPayload({ operation: { kind: "ssh.subsystem", subsystem }, reason: "", session: "" }).length;
    const sorted = (sizes: readonly number[]) => [...sizes].sort((a, b) => a - b);
    expect(sorted(refused.map(({ payload }) => payload.size))).toEqual(sorted(names.map(sizeOf)));
    expect(new Set(refused.map(({ detail }) => detail.code))).toEqual(new Set(["invalid_operation"]));
  });
});

describe("what is asked for its own sake is answered", () => {
  test.each(["keepalive@openssh.com", "no-more-sessions@openssh.com"])("%s", async (name) => {
    wire.send(globalRequest, name, true);
    expect((await wire.answer(/^REQUEST/)).name).toMatch(/^REQUEST_(SUCCESS|FAILURE)$/);
  });

  test("keepalive@openssh.com of a session", async () => {
    const session = await wire.session(++sessions);
    wire.send(channelRequest, session, "keepalive@openssh.com", true);
    expect((await wire.answer(ofRequest)).name).toMatch(/^CHANNEL_(SUCCESS|FAILURE)$/);
  });

  test("what wants no answer gets none, and the session goes on", async () => {
    const session = await wire.session(++sessions);
    wire.send(channelRequest, session, "signal", false, "TERM");
    wire.send(channelRequest, session, "window-change", false, 80, 24, 0, 0);
    wire.send(channelRequest, session, "env", false, "A", "b");
    wire.send(channelRequest, session, "pty-req", true, "xterm", 80, 24, 0, 0, "\0");
    expect((await wire.answer(ofRequest)).name).toBe("CHANNEL_SUCCESS");
  });

  test.each<[name: string, ...rest: Part[]]>([
    ["exec", true, "true"],
    ["shell", true],
    ["subsystem", true, "sftp"],
  ])("of two commands on one session the first is served: not %s", async (...second: readonly Part[]) => {
    const session = await wire.session(++sessions);
    wire.send(channelRequest, session, "exec", true, "sh -c 'sleep 0.2'");
    wire.send(channelRequest, session, ...second);
    expect((await wire.answer(ofRequest)).name).toBe("CHANNEL_SUCCESS");
    expect((await wire.answer(ofRequest)).name).toBe("CHANNEL_FAILURE");
  });
});

describe("what is not encoded as it must be ends its own connection and nothing else", () => {
  test.each<[string, readonly Part[]]>([
    ["a string longer than its packet", [channelOpen, Buffer.from([0, 1, 0, 0, 65])]],
    ["a channel without a window", [channelOpen, "session", 0]],
    ["a request without a name", [channelRequest, 0]],
    ["a global request without a name", [globalRequest]],
    ["bytes after a request", [channelRequest, 0, "exec", true, "true", Buffer.from("more")]],
    ["bytes after a signal", [channelRequest, 0, "signal", false, "TERM", Buffer.from("more")]],
    ["data for a channel that is none", [byte(94), 77, "data"]],
    ["a window that overflows", [byte(93), 0, 0xff_ff_ff_ff]],
    ["a message of no type", [byte(255)]],
    ["keys in the middle", [byte(21)]],
    ["a login after the login", [byte(50), "root", "ssh-connection", "none"]],
    ["another service", [byte(5), "ssh-userauth"]],
  ])("%s", async (_what, packet) => {
    using broken = await SshWire.open(world);
    await broken.session();
    broken.send(...packet);
    // Nothing of it ran, and no channel was had by it.
    broken.send(globalRequest, "keepalive@openssh.com", true);
    expect((await broken.answer(/^(REQUEST_|CHANNEL_(OPEN_)?FAILURE)/)).name).toMatch(
      /^(closed|REQUEST_FAILURE|CHANNEL_OPEN_FAILURE|CHANNEL_FAILURE)$/,
    );
    wire.send(globalRequest, "keepalive@openssh.com", true);
    expect((await wire.answer(/^REQUEST/)).name).toBe("REQUEST_FAILURE");
  });
});
