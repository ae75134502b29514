import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { readyIn } from "../../conformance/postgres-wire/conversation.ts";
import { extended, message } from "../../conformance/postgres-wire/messages.ts";
import { RawClient, transcript } from "../../conformance/postgres-wire/raw-client.ts";
import type { WireWorld } from "../../conformance/postgres-wire/world.ts";
import { Random } from "../../harness/random.ts";
import { cutAnywhere, mutated } from "./mutation.ts";
import { ServerCrashes } from "./server-crash.ts";

const { query, parse, bind, describe, execute, close, flush, sync, copyData, copyDone, copyFail } = message;
const names = ["", "a", "b"];
const allowed = [
  ...[
    "select 1",
    "select 'x', 2 where false",
    "",
    "; ;",
    "select generate_series(1, 4)",
    "select 1; select 2",
    "select 1 / 0",
    "selec",
    "select nothing",
  ],
  ...[
    "begin",
    "commit",
    "rollback",
    "savepoint s",
    "rollback to s",
    "select $1::text",
    "select $1::int + 1",
    "insert into t values (1)",
    "select count(*) from t",
  ],
  ...[
    "prepare a as select 'prepared'",
    "execute a",
    "deallocate a",
    "deallocate all",
    "declare b cursor for select generate_series(1, 3)",
    "fetch 2 from b",
    "close b",
  ],
  ...[
    "copy t from stdin",
    "copy t to stdout",
    "copy (select 1) to stdout",
    "set timezone = 'UTC'",
    "set local work_mem = '2MB'",
    "show work_mem",
    "vacuum t",
  ],
  ...[
    "do $$ begin raise notice 'said'; end $$",
    "listen c",
    "explain (costs off) select 1",
    "create temp table u (a int)",
    "select 'ä'; selec",
  ],
];
const refused = [
  "select * from forbidden",
  "insert into forbidden values (1)",
  "begin; select * from forbidden",
  "prepare f as table forbidden",
  "copy forbidden to stdout",
  "declare f cursor for table forbidden",
];

const byDesign = ["was prepared by SQL; run it by EXECUTE", "is a cursor; read it by FETCH", "has changed since it was bound"];

/**
 * An implicit transaction that a Query in the middle of a pipeline leaves behind confuses the server itself: the next statement fails, the
 * one after it does not. When that is a question of ours, the client's statement succeeds. ROLLBACK TO in such a transaction ends the server's process.
 */
const serverFailed = ["StartTransactionCommand", "RollbackToSavepoint"].map((place) => `CXX000\\x00M${place}: unexpected state`);

/** What a run has done. */
export interface Fuzzed {
  compared: number;
  broken: number;
}

/**
 * Holds whole sessions against a real server. Every second one keeps to the protocol and to what is allowed: its answers must be those of the
 * server itself. The others may do anything; nothing that is denied may get through, and the next client must be served.
 *
 * @throws {Error} with the seed of the session that shows a mistake.
 */
export async function fuzzSessions(world: WireWorld, seed: number, rounds: number): Promise<Fuzzed> {
  const done: Fuzzed = { compared: 0, broken: 0 };
  const crashes = new ServerCrashes(world);
  for (let round = 0; round < rounds; round++) {
    const random = new Random(seed + round);
    try {
      if (round % 2 === 0) {
        await compared(world, random, crashes);
        done.compared++;
      } else {
        await wild(world, random);
        done.broken++;
      }
    } catch (error) {
      throw new Error(`session of seed ${seed + round} (${round % 2 === 0 ? "compared" : "wild"})`, { cause: error });
    }
  }
  if (await crashes.seen()) throw new Error(`between seed ${seed} and ${seed + rounds} a process of the server crashed`);
  const ran = world.ran("forbidden");
  if (ran.length > 0) throw new Error(`after seed ${seed} the server ran what is denied: ${ran.join("; ")}`);
  world.recorder.forget();
  return done;
}

async function compared(world: WireWorld, random: Random, crashes: ServerCrashes): Promise<void> {
  const said = Buffer.concat(Array.from({ length: 1 + random.below(12) }, () => step(random, allowed)));
  const shown = said.toString("latin1").replaceAll(/[^\x20-\x7e]/g, "·");
  const why = await differing(world, said, random).catch((error: unknown) => String(error));
  if (why === undefined || (await crashesAlone(world, said, crashes))) return;
  throw new Error(`${shown}\n${why}`);
}

/**
 * Whether the server's process crashes when it is told this directly: an Execute of the portal that a text has left which failed does that to some
 * versions. What comes after is not to be compared then; but it must not crash by what comes through Countersign.
 *
 * @throws {Error} when it does.
 */
async function crashesAlone(world: WireWorld, said: Buffer, crashes: ServerCrashes): Promise<boolean> {
  if (!(await crashes.seen())) return false;
  await answers(world.guarded, [said]);
  if (await crashes.seen()) throw new Error("a process of the server crashes by this, or by the session before");
  await answers(world.trusted, [said]);
  if (await crashes.seen()) return true;
  throw new Error("a process of the server crashed by the session before");
}

/** How the answers differ from those of the server itself; undefined when they do not, or may. */
async function differing(world: WireWorld, said: Buffer, random: Random): Promise<string | undefined> {
  const wanted = await answers(world.trusted, [said]);
  const got = await answers(world.guarded, cutAnywhere(random, said), readyIn(wanted));
  // What is refused by design has a test of its own in decided-again.test.ts; from there on the two sessions go different ways.
  const hasServerFailed = (said: readonly string[]) => serverFailed.some((words) => said.join().includes(words));
  // A process that ends with messages unread takes back what it has said.
  if (hasServerFailed(wanted) || (wanted.length === 0 && hasServerFailed(got))) return undefined;
  if (byDesign.some((words) => got.join().includes(words))) return undefined;
  if (upToReady(got) === upToReady(wanted)) return undefined;
  return `by the server:\n${wanted.join("\n")}\nby Countersign:\n${got.join("\n")}`;
}

/** What no Sync follows a server keeps in its buffer until it is full, or an error comes: when the client leaves, it may or may not have been sent. */
function upToReady(answers: readonly string[]): string {
  const whole = answers.slice(0, answers.findLastIndex((one) => one.startsWith("Z ")) + 1);
  return whole.map((one, at) => (hasFailed(whole, at) && noneOrFailed.test(one) ? "none or failed" : one)).join("\n");
}

/** See {@link hasFailed}. */
const noneOrFailed = /^[nI] $|^E .*C(25P02\\x00M|34000\\x00M|55000\\x00Mportal ".*" cannot be run)/;

/**
 * Whether a transaction has failed before an answer. Then nothing runs, and a server that still has the portal of the text that failed says 25P02 or
 * 55000 where it would otherwise say that there is none; asked to describe it, where it has no rows (a COPY), that it gives none. Of a Bind that failed
 * while it was planned it keeps a portal that counts as empty.
 */
function hasFailed(answers: readonly string[], at: number): boolean {
  return answers.slice(0, at).findLast((one) => one.startsWith("Z ")) === "Z E";
}

async function wild(world: WireWorld, random: Random): Promise<void> {
  const parts = Array.from({ length: 1 + random.below(12) }, () => step(random, random.below(2) === 0 ? refused : allowed));
  const said = Buffer.concat(parts.map((part) => (random.below(4) === 0 ? mutated(random, part) : part)));
  using client = await RawClient.open(world.guarded);
  for (const chunk of cutAnywhere(random, said)) client.socket.write(chunk);
  client.socket.end(message.terminate());
  if (!client.ended) await client.end();
}

/** One thing that a client may say; an exchange in the extended protocol ends with a Sync as a rule. */
function step(random: Random, texts: readonly string[]): Buffer {
  const text = random.of(texts) ?? "";
  const name = random.of(names) ?? "";
  const other = random.of(names) ?? "";
  const values = text.includes("$1") || random.below(8) === 0 ? [random.of(["7", "x", null]) ?? null] : [];
  const kinds: readonly (() => Buffer)[] = [
    () => query(text),
    () => query(text),
    () => Buffer.concat([extended(text, { statement: name, portal: other, values, resultFormats: [random.below(2)] }), sync()]),
    () => extended(text, { values }, random.below(3)),
    () => Buffer.concat([parse(text, name), random.below(2) === 0 ? describe("S", name) : flush(), sync()]),
    () => Buffer.concat([bind({ statement: name, portal: other, values }), execute(other, random.below(3)), sync()]),
    () => execute(other, random.below(2)),
    () => Buffer.concat([close(random.below(2) === 0 ? "S" : "P", name), sync()]),
    () => Buffer.concat([describe(random.below(2) === 0 ? "S" : "P", name), sync()]),
    () => sync(),
    () => flush(),
    () =>
      Buffer.concat([
        query("copy t from stdin"),
        copyData("1\n"),
        copyData(random.of(["2\n", "x\n", ""]) ?? ""),
        random.below(3) === 0 ? copyFail("no") : copyDone(),
      ]),
    () => random.of([copyData("3\n"), copyDone(), copyFail("x")]) ?? copyDone(),
  ];
  // Whoever begins to copy also ends it: what a server makes of other messages in between is its own affair.
  if (text === "copy t from stdin") return Buffer.concat([query(text), copyData("1\n"), copyDone()]);
  return random.of(kinds)?.() ?? sync();
}

/** `ready`: how often the server will be, before goodbye is said; without it goodbye follows at once. */
async function answers(door: WireWorld["guarded"], chunks: readonly Buffer[], ready?: number): Promise<readonly string[]> {
  using client = await RawClient.open(door);
  await client.ask(query("create temp table t (a int)"));
  client.answers.length = 0;
  for (const chunk of chunks) {
    client.socket.write(chunk);
    if (chunks.length > 1 && client.socket.writableNeedDrain) await once(client.socket, "drain");
  }
  if (ready !== undefined) await Promise.race([client.ready(ready), sleep(3000)]).catch(() => {});
  client.write(message.terminate());
  if (!client.ended) await client.end();
  return transcript(client.answers);
}
