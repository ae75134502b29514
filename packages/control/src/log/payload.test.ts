import { createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openPayload, payloadSealer } from "./payload.ts";

const key = randomBytes(32);
const seal = payloadSealer(key);
const statement = Buffer.from("delete from orders where id = $1");

describe("a sealed payload", () => {
  it("gives the payload back under its key and its record's commitment", () => {
    for (const payload of [statement, Buffer.alloc(0), randomBytes(100_000)]) {
      const { commitment, sealed } = seal(payload);
      expect(commitment.size).toBe(payload.length);
      expect(openPayload(key, sealed, commitment).equals(payload)).toBe(true);
    }
  });

  it("shows nothing of it, and looks different each time", () => {
    const first = seal(statement);
    const second = seal(statement);
    expect(Buffer.from(first.sealed).includes("orders")).toBe(false);
    expect(first.commitment.hash).not.toBe(second.commitment.hash);
    expect(first.sealed).not.toEqual(second.sealed);
  });

  it("has the form that the format describes", () => {
    const { sealed } = seal(statement);
    const [keyId, text, tag] = [sealed.subarray(0, 32), sealed.subarray(32, -16), sealed.subarray(-16)];
    const dataKey = createHmac("sha256", key)
      .update("\0\0\0\x01countersign/payload/v1\0")
      .update(keyId)
      .update("\0\0\x01\0")
      .digest();
    const decipher = createDecipheriv("aes-256-gcm", dataKey, Buffer.alloc(12), { authTagLength: 16 }).setAuthTag(tag);
    const opened = Buffer.concat([decipher.update(text), decipher.final()]);
    expect(opened.subarray(32)).toEqual(statement);
  });

  it("takes new random bytes for each, and leaves none behind in memory", () => {
    const pools: Buffer[] = [];
    const sealPooled = payloadSealer(key, (size) => {
      const pool = randomBytes(size);
      pools.push(pool);
      return pool;
    });
    const keyIds = Array.from({ length: 200 }, () => Buffer.from(sealPooled(statement).sealed).toString("hex", 0, 32));
    expect(new Set(keyIds).size).toBe(200);
    expect(pools.length).toBeGreaterThan(1);
    expect(pools[0]?.every((byte) => byte === 0)).toBe(true);
  });

  it("is refused with any byte changed, cut short, under another key, or beside another record", () => {
    const { commitment, sealed } = seal(statement);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(() => openPayload(key, changed, commitment), `byte ${at}`).toThrow(expect.objectContaining({ code: "corrupt" }));
      expect(() => openPayload(key, sealed.subarray(0, at), commitment)).toThrow(expect.objectContaining({ code: "corrupt" }));
    }
    expect(() => openPayload(randomBytes(32), sealed, commitment)).toThrow(expect.objectContaining({ code: "corrupt" }));
    expect(() => openPayload(key, seal(statement).sealed, commitment)).toThrow(expect.objectContaining({ code: "corrupt" }));
  });

  it("needs a key of 32 bytes", () => {
    expect(() => payloadSealer(randomBytes(16))).toThrow(TypeError);
  });
});
