type State = "text" | "escape" | "set" | "control" | "string";

/**
 * Lets through of a recorded terminal's output what draws: text, colours, the cursor's moves, erasing, scrolling, the other screen. Everything else that
 * terminals act on is dropped, whatever its form: titles, the clipboard, links, keys that are set, questions whose answers would be typed at whoever
 * looks on (ECMA-48, xterm's ctlseqs). Takes the output piece by piece; a sequence may be cut anywhere.
 */
export class Drawing {
  #state: State = "text";
  #sequence = "";

  /** What may be shown of the next piece. */
  draw(text: string): string {
    let shown = "";
    for (const character of text) shown += this.#take(character);
    return shown;
  }

  #take(character: string): string {
    const code = character.codePointAt(0) ?? 0;
    // In the middle of anything these begin anew (ECMA-48 §5.5 forbids them there; terminals do it).
    if (code === 0x1b) return this.#go("escape", "");
    if (code === 0x18 || code === 0x1a) return this.#go("text", "");
    if (this.#state !== "string" && code >= 0x80 && code <= 0x9f) return this.#c1(code);
    switch (this.#state) {
      case "text":
        return isShown(code) ? character : "";
      case "escape":
        return this.#escape(character);
      case "set":
        // Of character sets those with which boxes are drawn.
        return this.#go("text", this.#sequence === "(" && /[0B]/.test(character) ? `\x1b(${character}` : "");
      case "control":
        return this.#control(character, code);
      case "string":
        return code === 0x07 || code === 0x9c ? this.#go("text", "") : "";
    }
  }

  /** The 8-bit forms, which some terminals know in UTF-8 too. */
  #c1(code: number): string {
    if (code === 0x9b) return this.#go("control", "");
    return this.#go([0x90, 0x98, 0x9d, 0x9e, 0x9f].includes(code) ? "string" : "text", "");
  }

  #escape(character: string): string {
    if (character === "[") return this.#go("control", "");
    if ("]P_^X".includes(character)) return this.#go("string", "");
    if ("()*+-./".includes(character)) {
      this.#go("set", "");
      this.#sequence = character;
      return "";
    }
    if (" #%".includes(character)) return this.#go("set", "");
    return this.#go("text", "78DEM".includes(character) ? `\x1b${character}` : "");
  }

  #control(character: string, code: number): string {
    if (code < 0x20) return isShown(code) ? character : "";
    if (code < 0x40) {
      this.#sequence += this.#sequence.length < longest ? character : "!";
      return "";
    }
    const sequence = `${this.#sequence}${character}`;
    return this.#go("text", draws.test(sequence) ? `\x1b[${sequence}` : "");
  }

  #go(state: State, shown: string): string {
    this.#state = state;
    this.#sequence = "";
    return shown;
  }
}

/** What puts a terminal right in which a recording was drawn: the usual characters, no colours, the cursor, the first screen, all lines. */
export const afterDrawing = "\x1b(B\x1b[0m\x1b[?25h\x1b[?1049l\x1b[r\x1b[?7h\n";

/** Longer than any sequence that draws. */
const longest = 64;

/** Numbers, and a final character that moves, erases, scrolls or colours; or one of the modes in which programs draw. */
const draws = /^(?:[0-9;:]*[@A-HJ-MPSTX`adefmr]|[su]|\?(?:6|7|25|47|1047|1048|1049)[hl])$/;

function isShown(code: number): boolean {
  if (code < 0x20) return code === 0x08 || code === 0x09 || code === 0x0a || code === 0x0d;
  if (code === 0x7f) return false;
  // What turns the direction of text around would show another text than was there.
  return !(
    code === 0x61c ||
    (code >= 0x200e && code <= 0x200f) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  );
}
