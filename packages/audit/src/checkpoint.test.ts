import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkpointSigner, logKeyText } from "./checkpoint.ts";
import { EMPTY_ROOT } from "./hash.ts";
import { openCheckpoint, openNote, parseCheckpoint, parseLogKey } from "./verify/note.ts";

/** The example of Go's golang.org/x/mod/sumdb/note, from which C2SP signed-note comes. */
const PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER_NOTE = `${PETER_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

const origin = "countersign.example/prod";
const { privateKey } = generateKeyPairSync("ed25519");
const key = parseLogKey(logKeyText(origin, privateKey));
const root = Buffer.alloc(32, 7);

describe("a signed note", () => {
  it("is accepted as Go's implementation signed it", () => {
    expect(openNote(PETER_NOTE, parseLogKey(PETER_KEY))).toBe(PETER_TEXT);
  });

  it("is refused when a letter, the signature or the key differs", () => {
    expect(openNote(PETER_NOTE.replace("answer", "anwser"), parseLogKey(PETER_KEY))).toBeUndefined();
    expect(openNote(PETER_NOTE.replace("x08go/ZJ", "x08go/ZK"), parseLogKey(PETER_KEY))).toBeUndefined();
    expect(openNote(PETER_NOTE, key)).toBeUndefined();
  });
});

describe("a checkpoint", () => {
  const note = checkpointSigner(origin, privateKey)(42, root);

  it("is three lines, an empty line and the signature of the log's name", () => {
    expect(note).toMatch(/^countersign\.example\/prod\n42\nBwcH[^\n]*=\n\n— countersign\.example\/prod [A-Za-z0-9+/]+=*\n$/);
  });

  it("is read back, and only under its own key", () => {
    expect(openCheckpoint(note, key)).toEqual({ origin, size: 42, root });
    const other = parseLogKey(logKeyText(origin, generateKeyPairSync("ed25519").privateKey));
    expect(() => openCheckpoint(note, other)).toThrow(expect.objectContaining({ code: "malformed" }));
    const elsewhere = parseLogKey(logKeyText("countersign.example/other", privateKey));
    expect(() => openCheckpoint(note, elsewhere)).toThrow(/is a checkpoint of the log "countersign.example\/prod"/);
  });

  it("may carry signatures of others", () => {
    const witnessed = `${note}— witness.example AAAAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=\n`;
    expect(openCheckpoint(witnessed, key).size).toBe(42);
  });

  it.each([
    ["a changed size", note.replace("\n42\n", "\n43\n")],
    ["a size with a leading zero", note.replace("\n42\n", "\n042\n")],
    ["a negative size", note.replace("\n42\n", "\n-1\n")],
    ["a size that no number holds", note.replace("\n42\n", "\n9007199254740993\n")],
    ["a short root", note.replace(/BwcH/, "")],
    ["no signature", note.split("\n\n")[0] ?? ""],
    ["no last newline", note.trimEnd()],
    ["nothing", ""],
  ])("with %s is refused", (_, text) => {
    expect(() => openCheckpoint(text, key)).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  it("of an empty log has the empty root", () => {
    expect(parseCheckpoint(checkpointSigner(origin, privateKey)(0, EMPTY_ROOT)).root).toEqual(EMPTY_ROOT);
  });
});

describe("a log's public key", () => {
  it("with a typing error is refused", () => {
    const text = logKeyText(origin, privateKey);
    for (const wrong of ["", "x", text.replace("prod", "prd"), text.slice(0, -4), `${text}AAAA`]) {
      expect(() => parseLogKey(wrong), wrong).toThrow(expect.objectContaining({ code: "malformed" }));
    }
  });

  it("is an Ed25519 key under a name that a note can carry", () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    expect(() => checkpointSigner(origin, rsa)).toThrow(TypeError);
    expect(() => checkpointSigner("a b", privateKey)).toThrow(/white space/);
    expect(() => checkpointSigner("a+b", privateKey)).toThrow(/white space/);
  });
});
