/**
 * A process that appends to a log until it is killed, for the tests: it says each record on its standard output once it was acknowledged.
 *
 * Arguments: the file, the private key (PKCS #8, base64), the durability.
 *
 * @module
 */
import { createPrivateKey } from "node:crypto";
import { writeSync } from "node:fs";
import { openLog } from "@countersign/audit";
import { payloadSealer } from "./payload.ts";
import { openSqliteLogStore } from "./sqlite-log-store.ts";

const [file = "", key = "", durability] = process.argv.slice(2);
const log = await openLog({
  store: openSqliteLogStore(file),
  origin: "countersign.example/test",
  key: createPrivateKey({ key: Buffer.from(key, "base64"), format: "der", type: "pkcs8" }),
  sealPayload: payloadSealer(Buffer.alloc(32, 1)),
});

async function append(lane: number): Promise<never> {
  for (let n = 0; ; n++) {
    const request = `req_${process.pid}_${lane}_${n}`;
    for (const type of ["intent", "outcome"] as const) {
      const draft = { type, request, timeMs: Date.now(), payload: Buffer.from(`statement of ${request}`) };
      const [receipt] = await log.append("local", [draft], durability === "durable" ? "durable" : "handed-over");
      writeSync(1, `${receipt?.index} ${type} ${request}\n`);
    }
  }
}

await Promise.all([0, 1, 2, 3].map(append));
