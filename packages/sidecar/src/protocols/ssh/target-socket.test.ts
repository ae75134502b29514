import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { TargetSocket } from "./target-socket.ts";

it.each([
  ["plain text, before ciphers are known", undefined, "one"],
  ["a cipher of which parts of packets are kept", "chacha20-poly1305@openssh.com", "one"],
  ["a cipher that takes what comes at once", "aes128-gcm@openssh.com", "two"],
])("%s: the first of two reads afterwards", async (_what, cipher, afterwards) => {
  await using target = createServer().listen(0, "127.0.0.1");
  const connected = once(target, "connection");
  await once(target, "listening");
  const socket = new TargetSocket().to({ host: "127.0.0.1", port: (target.address() as AddressInfo).port });
  const [peer]: Socket[] = await connected;
  try {
    if (cipher !== undefined) socket.decryptedBy(cipher);
    const reads: Buffer[] = [];
    const told: string[] = [];
    for (const said of ["one", "two"]) {
      peer?.write(said);
      const [read]: Buffer[] = await once(socket, "data");
      if (read !== undefined) reads.push(read);
      told.push(`${read}`);
    }
    expect(told).toEqual(["one", "two"]);
    expect(`${reads[0]}`).toBe(afterwards);
  } finally {
    socket.destroy();
    peer?.destroy();
  }
});
