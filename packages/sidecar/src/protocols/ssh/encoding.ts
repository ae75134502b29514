/** What is not encoded as RFC 4251 §5 says. */
export class SshFormatError extends Error {
  override readonly name = "SshFormatError";
}

/** A `string`: its length, then its bytes. Text is UTF-8. */
export function sshString(value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** Several parts as the content of one `string`. */
export function sshStrings(values: readonly (string | Uint8Array)[]): Buffer {
  return sshString(Buffer.concat(values.map(sshString)));
}

/** A `uint32`. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A `uint64`. */
export function uint64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

/** Reads one value after the other; untrusted input. Every method throws {@link SshFormatError} for what is not there. */
export class SshReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes were read. */
  get position(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  /** The bytes of a `string`; they stay shared with the input. */
  bytes(): Buffer {
    return this.#take(this.uint32());
  }

  /** A `string` that is UTF-8. */
  text(): string {
    const bytes = this.bytes();
    try {
      return strictUtf8.decode(bytes);
    } catch {
      throw new SshFormatError("a text is not UTF-8");
    }
  }

  /** An `mpint` that is not negative, without leading zeros. */
  unsigned(): Buffer {
    const bytes = this.bytes();
    if ((bytes[0] ?? 0) >= 0x80) throw new SshFormatError("a number is negative");
    return bytes[0] === 0 ? bytes.subarray(1) : bytes;
  }

  /** @throws {SshFormatError} when bytes are left. */
  end(): void {
    if (!this.isAtEnd) throw new SshFormatError("bytes follow after the end");
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new SshFormatError("it ends too early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
