import { StringDecoder } from "node:string_decoder";
import { controlKey, isVisible, type Key, sequenceKey } from "./key.ts";

/**
 * Where in an escape sequence the input is (ECMA-48 §5.4, §5.6). `string`: a text for the terminal, or its answer to what a command printed: that is
 * nobody's input, and never taken for it.
 */
type Place = "ground" | "escape" | "control" | "single" | "string" | "string-escape" | "paste";

/** Longer sequences mean nothing to us. */
const mostSequence = 32;
const pasteBegins = "[200~";
const pasteEnds = "\x1b[201~";

/** Takes what a terminal sends apart into keys: what is held back of a stream is bounded, whatever comes and however it is cut. */
export class KeyReader {
  readonly #decoder = new StringDecoder("utf8");
  readonly #mostPaste: number;
  #place: Place = "ground";
  #held = "";
  #tooLong = false;
  #wasReturn = false;

  /** @param mostPaste Longer pastes are dropped, characters. */
  constructor(mostPaste: number) {
    this.#mostPaste = mostPaste;
  }

  /** The keys that are complete with these bytes. */
  read(bytes: Uint8Array): readonly Key[] {
    const keys: Key[] = [];
    let text = "";
    const flush = () => {
      if (text !== "") keys.push({ type: "text", text });
      text = "";
    };
    for (const character of this.#decoder.write(Buffer.from(bytes))) {
      if (this.#place === "ground" && isVisible(character)) {
        this.#wasReturn = false;
        text += character;
        continue;
      }
      const key = this.#next(character);
      if (key === undefined) continue;
      flush();
      keys.push(key);
    }
    flush();
    return keys;
  }

  #next(character: string): Key | undefined {
    switch (this.#place) {
      case "ground":
        return this.#ground(character);
      case "escape":
        return this.#escape(character);
      case "single":
        return this.#ends(`O${character}`);
      case "control":
        return this.#control(character);
      case "string":
      case "string-escape":
        return this.#string(character);
      case "paste":
        return this.#paste(character);
    }
  }

  #ground(character: string): Key | undefined {
    if (character === "\x1b") {
      this.#place = "escape";
      return undefined;
    }
    // One key to those who send both.
    const isSecondHalf = this.#wasReturn && character === "\n";
    this.#wasReturn = character === "\r";
    if (isSecondHalf) return undefined;
    const name = controlKey(character);
    return name === undefined ? { type: "nothing" } : { type: "key", name };
  }

  #escape(character: string): Key | undefined {
    if (character === "\x1b") return undefined;
    if (character === "[") {
      this.#place = "control";
      this.#held = "[";
      return undefined;
    }
    if (character === "O") {
      this.#place = "single";
      return undefined;
    }
    // OSC, DCS, SOS, PM, APC.
    if (/[\]PX^_]/.test(character)) {
      this.#place = "string";
      return undefined;
    }
    return this.#ends(character);
  }

  #control(character: string): Key | undefined {
    if (character === "\x1b") return this.#begins("escape");
    // A control character ends it, and is a key of its own.
    if (character < " ") {
      this.#begins("ground");
      return this.#ground(character);
    }
    if (this.#held.length < mostSequence) this.#held += character;
    // Parameters and intermediates are before 0x40.
    if (character < "@") return undefined;
    if (this.#held !== pasteBegins) return this.#ends(this.#held);
    return this.#begins("paste");
  }

  #string(character: string): Key | undefined {
    if (this.#place === "string-escape" && character === "\\") return this.#begins("ground");
    if (character === "\x1b") return this.#begins("string-escape");
    // Who has begun one by mistake gets out with Enter or Ctrl-C; neither does anything else.
    return this.#begins("\x07\r\n\x03\x18\x1a".includes(character) ? "ground" : "string");
  }

  #paste(character: string): Key | undefined {
    this.#held += character;
    if (character === "~" && this.#held.endsWith(pasteEnds)) {
      const text = this.#held.slice(0, -pasteEnds.length).replaceAll(/\r\n?/g, "\n").replaceAll("\t", " ");
      const isGood = !this.#tooLong && text.split("\n").every((line) => line === "" || isVisible(line));
      this.#begins("ground");
      return isGood ? { type: "paste", text } : { type: "nothing" };
    }
    if (this.#held.length > this.#mostPaste + pasteEnds.length) {
      this.#tooLong = true;
      this.#held = this.#held.slice(-pasteEnds.length);
    }
    return undefined;
  }

  #begins(place: Place): undefined {
    this.#place = place;
    this.#held = "";
    this.#tooLong = false;
  }

  #ends(sequence: string): Key {
    this.#begins("ground");
    const name = sequenceKey(sequence);
    return name === undefined ? { type: "nothing" } : { type: "key", name };
  }
}
