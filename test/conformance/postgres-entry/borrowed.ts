import { setTimeout as sleep } from "node:timers/promises";
import { decodeRows } from "../../../packages/sidecar/src/protocols/postgres/codec.ts";
import type { PostgresTarget } from "../../../packages/sidecar/src/protocols/postgres/index.ts";
import type { GivenBack, Lent, LentHandler } from "../../../packages/sidecar/src/protocols/postgres/lent.ts";
import { int32, type Message, packet, text } from "./raw.ts";

const int16 = Buffer.alloc(2);
const typed = (type: string, ...parts: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from(type), packet(...parts)]);

/** Messages of a client that uses the unnamed statement and portal. */
export const asks = {
  query: (sql: string): Buffer => typed("Q", text(sql)),
  parse: (sql: string): Buffer => typed("P", text(""), text(sql), int16),
  bind: typed("B", text(""), text(""), int16, int16, int16),
  execute: typed("E", text(""), int32(0)),
  sync: typed("S"),
};

/** A session that is lent to a test, and what the server said on it. */
export class Borrowed implements LentHandler {
  #lent: Lent | undefined;
  #partial = Buffer.alloc(0);
  messages: Message[] = [];
  closings = 0;

  static async from(
    target: PostgresTarget,
    settings: Readonly<Record<string, string>> = {},
    borrower = "agent",
  ): Promise<Borrowed> {
    const borrowed = new Borrowed();
    const [role = ""] = target.roles;
    borrowed.#lent = await target.lending(role).lend({ borrower, settings }, borrowed, new AbortController().signal);
    return borrowed;
  }

  data(chunk: Buffer): boolean {
    this.#partial = Buffer.concat([this.#partial, chunk]);
    while (this.#partial.length >= 5) {
      const end = 1 + this.#partial.readUInt32BE(1);
      if (this.#partial.length < end) return true;
      this.messages.push({ type: this.#partial.toString("latin1", 0, 1), body: this.#partial.subarray(5, end) });
      this.#partial = this.#partial.subarray(end);
    }
    return true;
  }

  drained(): void {}

  closed(): void {
    this.closings++;
  }

  get session(): Lent {
    if (this.#lent === undefined) throw new Error("nothing is lent");
    return this.#lent;
  }

  /** Sends messages and gives what the server said up to ReadyForQuery. */
  async say(...bytes: readonly Buffer[]): Promise<readonly Message[]> {
    this.messages = [];
    this.session.write(bytes);
    while (this.messages.at(-1)?.type !== "Z") {
      if (this.closings > 0) throw new Error("the connection was closed");
      await sleep(2);
    }
    return this.messages;
  }

  /** Runs a text; gives the first value, or the error's text. */
  async query(sql: string): Promise<string | null | undefined> {
    const answer = await this.say(asks.query(sql));
    const failed = answer.find(({ type }) => type === "E");
    const row = answer.find(({ type }) => type === "D");
    return failed ? failed.body.toString() : row && decodeRows(row.body, 1)[0]?.[0];
  }

  back(afterwards: GivenBack, status: "I" | "T" | "E" | "busy" = "I"): void {
    this.session.giveBack(afterwards, status);
  }
}
