import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FileAuthority } from "../../packages/sidecar/src/protocols/ssh/authority.ts";
import { openSshConnector } from "../../packages/sidecar/src/protocols/ssh/connector.ts";
import { sshResourceSchema } from "../../packages/sidecar/src/protocols/ssh/resource.ts";
import { Sshd } from "../harness/sshd.ts";

const folder = mkdtempSync(join(tmpdir(), "cs-ssh-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// All connections are read into one buffer: parts of packets that were not yet whole must outlive the next read, whoever's that is.
test.each(["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr"])(
  "output that crosses others' on other connections comes as it is with %s, also when keys are exchanged anew",
  async (cipher) => {
    await using sshd = await Sshd.start({ config: [`Ciphers ${cipher}`, "RekeyLimit 1M"] });
    sshd.authorize([readFileSync(`${sshd.keyPair("fixed")}.pub`, "utf8").trim()]);
    const resource = sshResourceSchema.parse({
      ...{ name: "web-1", type: "ssh", address: sshd.address, hostKeys: [sshd.hostKey] },
      roles: { fixed: { user: sshd.user, key: { file: join(sshd.folder, "fixed") } } },
    });
    const sshAuthority = new FileAuthority(join(folder, "ssh-authority.json"), Date.now);
    const parts = { folder, sshAuthority, wallMs: Date.now, random: randomBytes };
    // Each has a connection of its own.
    const connectors = [1, 2, 3].map(() => openSshConnector(resource, parts));
    try {
      const whole = await Promise.all(
        connectors.map(async (connector, n) => {
          const content = randomBytes(3_000_000 + n);
          writeFileSync(join(sshd.home, `${n}.bin`), content, { mode: 0o644 });
          const operation = { kind: "ssh.exec", command: `cat ${sshd.home}/${n}.bin` } as const;
          const dispatch = connector.dispatch(operation, "fixed", {}, { signal: new AbortController().signal, readOnly: true });
          const came: Uint8Array[] = [];
          await dispatch.prepare();
          const { state, exit } = await dispatch.run((chunk) => void (chunk.type === "output" && came.push(chunk.data)));
          await dispatch.close();
          expect({ state, exit }).toEqual({ state: "succeeded", exit: { code: 0 } });
          return Buffer.concat(came).equals(content);
        }),
      );
      expect(whole).toEqual([true, true, true]);
    } finally {
      await Promise.all(connectors.map((connector) => connector.close()));
    }
  },
);
