import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** Bytes from this size on are not copied before the message is put together. */
const largeBytes = 4096;

interface Level {
  readonly pieces: Uint8Array[];
  size: number;
}

/**
 * Encodes a message that holds large `bytes`, copying them once. The usual writer copies them at every level of nesting and whenever its buffer
 * grows, and the garbage of that costs more than the copies.
 */
export function encodeOnce<Message>(
  codec: { encode(message: Message, writer: BinaryWriter): unknown },
  message: Message,
): Buffer {
  const writer = new PieceWriter();
  codec.encode(message, writer);
  return writer.whole();
}

/** Keeps large bytes as pieces, and what is between them in the buffer of the usual writer. */
class PieceWriter extends BinaryWriter {
  readonly #outer: Level[] = [];
  #level: Level = { pieces: [], size: 0 };

  override bytes(value: Uint8Array): this {
    if (value.byteLength < largeBytes) return super.bytes(value);
    this.uint32(value.byteLength);
    this.#flush();
    this.#add(value);
    return this;
  }

  override fork(): this {
    this.#flush();
    this.#outer.push(this.#level);
    this.#level = { pieces: [], size: 0 };
    return this;
  }

  override join(): this {
    this.#flush();
    const inner = this.#level;
    const outer = this.#outer.pop();
    if (outer === undefined) throw new Error("join() without fork()");
    this.#level = outer;
    this.uint32(inner.size);
    this.#flush();
    for (const piece of inner.pieces) outer.pieces.push(piece);
    outer.size += inner.size;
    return this;
  }

  /** All that was written. */
  whole(): Buffer {
    this.#flush();
    return Buffer.concat(this.#level.pieces, this.#level.size);
  }

  #flush(): void {
    const between = super.finish();
    if (between.length > 0) this.#add(between);
  }

  #add(piece: Uint8Array): void {
    this.#level.pieces.push(piece);
    this.#level.size += piece.length;
  }
}
