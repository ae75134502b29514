import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type LogKey, parseLogKey, verifyReceipt } from "@countersign/audit";
import type { RequestProgress } from "@countersign/sdk";
import type { Instance } from "@countersign/test/harness/instance";
import { done, say, styled } from "./narration.ts";

/** What the agent's process tells. */
export type AgentMessage =
  | { readonly type: "event"; readonly event: RequestProgress }
  | {
      readonly type: "tool";
      readonly text: string;
      readonly artifact: { readonly code: string; readonly receipt?: WireReceipt } | null;
    }
  | { readonly type: "answer"; readonly text: string };

interface Bytes {
  readonly base64: string;
}

interface WireReceipt {
  readonly logIndex: number;
  readonly record: Bytes;
  readonly inclusionProof: readonly Bytes[];
  readonly checkpoint: string;
}

/** Shows what happens, and keeps what has to be true at the end. */
export class Story {
  /** The id of the request that waits for a person. */
  readonly held: Promise<string>;
  /** What is held, as the agent asked for it. */
  readonly heldStatement = "delete from orders where status = $1";
  readonly #instance: Instance;
  readonly #quiet: boolean;
  readonly #hold = Promise.withResolvers<string>();
  readonly #results: Extract<AgentMessage, { type: "tool" }>[] = [];
  readonly #failures: string[] = [];
  #waited = false;

  constructor(instance: Instance, handsFree: boolean) {
    this.#instance = instance;
    this.#quiet = handsFree;
    this.held = this.#hold.promise;
  }

  /** Something that must be so for the demo to succeed. */
  check(what: string, holds: boolean): void {
    if (!holds) this.#failures.push(what);
  }

  hear(message: AgentMessage): void {
    if (message.type === "event") this.#event(message.event);
    else if (message.type === "tool") this.#results.push(message);
    else say(`${styled("dim", "agent:")} ${message.text}`);
  }

  #event(event: RequestProgress): void {
    switch (event.type) {
      case "decided":
        say(
          `${styled("dim", "agent asks:")} decided ${styled("bold", event.decision.effect)} by ${event.decision.rules.join(", ") || "default"}`,
        );
        break;
      case "pending":
        this.#waited = true;
        say();
        say(`${styled("yellow", "⏸")} ${styled("bold", this.heldStatement)}   $1 = 'duplicate'`);
        say("  waits for a person. Approve it in the browser:");
        say(`    ${styled("cyan", event.approvalUrl)}`);
        say("  or in another terminal:");
        say(`    npx countersign approve ${event.requestId} --as alice --data ${this.#instance.data}`);
        say();
        this.#hold.resolve(event.requestId);
        break;
      case "vote":
        if (!this.#quiet) done(`${event.approver} said ${event.verdict}`);
        break;
      case "done":
        done(`ended: ${event.state}`);
        break;
      default:
    }
  }

  /** Shows the result, the receipt and the verified audit; gives the exit code. */
  async conclude(agentExit: number): Promise<number> {
    say();
    const [select, remove] = this.#results;
    this.check("the agent's process ended well", agentExit === 0);
    this.check("the SELECT ran at once", select?.artifact?.code === "succeeded");
    const left = await this.#instance.value("select count(*)::int from orders where status = 'duplicate'");
    const approved = remove?.artifact?.code === "succeeded";
    if (this.#quiet) this.check("the DELETE was held, approved and ran", this.#waited && approved);
    this.check(
      approved ? "the approved DELETE changed the rows" : "a DELETE that was not approved changed nothing",
      left === (approved ? 0 : 100),
    );
    done(`Duplicate orders left in the database: ${left}`);
    const key = await this.#logKey();
    for (const result of this.#results) this.#receipt(result, key);
    const verified = await this.#instance.cli("audit", "verify", "--data", this.#instance.data);
    this.check("the audit log verifies", verified.code === 0);
    if (verified.code === 0) done(`Audit: ${verified.stdout.split("\n")[0]}`);
    for (const failure of this.#failures) say(`${styled("red", "✗")} not so: ${failure}`);
    return this.#failures.length === 0 ? 0 : 1;
  }

  #receipt({ artifact }: Extract<AgentMessage, { type: "tool" }>, key: LogKey): void {
    const receipt = artifact?.receipt;
    if (receipt === undefined) {
      this.check("what ran has a receipt", artifact?.code !== "succeeded");
      return;
    }
    const bytes = ({ base64 }: Bytes) => Buffer.from(base64, "base64");
    const { logIndex: index, checkpoint, record, inclusionProof } = receipt;
    // Throws when it does not hold.
    const proven = verifyReceipt({ index, checkpoint, record: bytes(record), proof: inclusionProof.map(bytes) }, key);
    this.check("the receipt is about what ran", proven.type === "outcome");
    done(`Receipt: record ${index} of the audit log; its inclusion proof and signature hold`);
  }

  /** The log's public key, from an export: what an auditor elsewhere would be given. */
  async #logKey(): Promise<LogKey> {
    const folder = join(this.#instance.folder, "export");
    const exported = await this.#instance.cli("audit", "export", folder, "--data", this.#instance.data);
    if (exported.code !== 0) throw new Error(exported.stderr);
    return parseLogKey(readFileSync(join(folder, "log.pub"), "utf8"));
  }
}
