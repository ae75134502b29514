import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { address, audited, key } from "./ssh-listener-world.ts";

describe("ssh-channels: what is no command is refused and recorded", () => {
  let client: InstanceType<typeof ssh2.Client>;
  beforeAll(async () => {
    client = new ssh2.Client();
    await new Promise<void>((resolve, reject) => {
      client.once("ready", resolve).once("error", reject);
      client.connect({
        host: address.host,
        port: Number(address.port),
        username: "web-1",
        privateKey: readFileSync(key),
        strictVendor: false,
      });
    });
  });
  afterAll(() => void client?.end());
  type Raw = { _protocol: Record<string, (...args: never[]) => void>; _chanMgr: { add: (waiting: object) => number } };

  const failure = (ask: (done: (error: Error | undefined) => void) => void) =>
    new Promise<Error | undefined>((resolve) => ask((error) => resolve(error)));

  test.each<[string, (done: (error?: Error) => void) => void]>([
    ["direct-tcpip", (done) => client.forwardOut("127.0.0.1", 1, "127.0.0.1", 22, done)],
    ["direct-streamlocal@openssh.com", (done) => client.openssh_forwardOutStreamLocal("/tmp/x", done)],
    ["tcpip-forward", (done) => client.forwardIn("127.0.0.1", 0, done)],
    [
      "streamlocal-forward@openssh.com",
      (done) => client.openssh_forwardInStreamLocal("/tmp/y", (error) => done(error ?? undefined)),
    ],
    ["subsystem netconf", (done) => client.subsys("netconf", done)],
    ["x11-req", (done) => client.exec("true", { x11: true }, done)],
  ])("%s", async (_, ask) => {
    expect(await failure(ask)).toBeInstanceOf(Error);
  });

  test("a shell", async () => {
    const code = await new Promise((resolve) => client.shell(false, (_error, channel) => channel.on("exit", resolve).resume()));
    expect(code).toBe(126);
  });

  test("env", async () => {
    const text = await new Promise<string>((resolve) =>
      client.exec("sh -c 'echo $SECRET_NAME'", { env: { SECRET_NAME: "set" } }, (_error, channel) => {
        let all = "";
        channel.on("data", (data: Buffer) => (all += data.toString())).on("close", () => resolve(all));
      }),
    );
    expect(text.trim()).toBe("");
  });

  const origin = Buffer.concat([lengthed("127.0.0.1"), word(1)]);
  test.each<[string, Buffer]>([
    ["tun@openssh.com", Buffer.concat([word(1), word(0)])],
    ["x11", origin],
    ["forwarded-tcpip", Buffer.concat([origin, origin])],
    ["auth-agent@openssh.com", Buffer.alloc(0)],
    ["made-up", randomBytes(100)],
  ])("a channel of the type %s", async (type, rest) => {
    const { _protocol, _chanMgr } = client as unknown as Raw;
    const refused = new Promise<unknown>((resolve) => {
      const id = _chanMgr.add(Object.assign((error: unknown) => resolve(error), { type }));
      const writer = _protocol as unknown as {
        _packetRW: { write: { alloc(n: number): Buffer; allocStart: number; finalize(p: Buffer): Buffer } };
        _cipher: { encrypt(p: Buffer): void };
      };
      const payload = Buffer.concat([Buffer.of(90), lengthed(type), word(id), word(1 << 20), word(32768), rest]);
      const packet = writer._packetRW.write.alloc(payload.length);
      packet.set(payload, writer._packetRW.write.allocStart);
      writer._cipher.encrypt(writer._packetRW.write.finalize(packet));
    });
    expect(await refused).toBeInstanceOf(Error);
  });

  test("all of it is on record", async () => {
    const records = await audited();
    const refusals = records.filter(({ type, detail }) => type === "refusal" && detail.code === "invalid_operation");
    expect(refusals.length).toBeGreaterThanOrEqual(12);
  });

  test("trailing bytes after a request end the connection", async () => {
    const other = new ssh2.Client();
    await new Promise<void>((resolve) =>
      other
        .once("ready", resolve)
        .connect({ host: address.host, port: Number(address.port), username: "web-1", privateKey: readFileSync(key) }),
    );
    const closed = new Promise<void>((resolve) => other.once("close", resolve));
    other.on("error", () => {});
    const writer = (other as unknown as Raw)._protocol as unknown as {
      _packetRW: { write: { alloc(n: number): Buffer; allocStart: number; finalize(p: Buffer): Buffer } };
      _cipher: { encrypt(p: Buffer): void };
    };
    const payload = Buffer.concat([Buffer.of(90), lengthed("session"), word(0), word(1 << 20), word(32768), Buffer.from("more")]);
    const packet = writer._packetRW.write.alloc(payload.length);
    packet.set(payload, writer._packetRW.write.allocStart);
    writer._cipher.encrypt(writer._packetRW.write.finalize(packet));
    await closed;
  });
});

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function lengthed(text: string): Buffer {
  return Buffer.concat([word(Buffer.byteLength(text)), Buffer.from(text)]);
}
