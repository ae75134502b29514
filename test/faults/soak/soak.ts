import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { recoverySteps, steps } from "@countersign/sidecar";
import pg from "pg";
import { startPostgres } from "../../harness/postgres.ts";
import { Random } from "../../harness/random.ts";
import { Acknowledged } from "./acknowledged.ts";
import { bundleProcess, Driven, Gone } from "./driven.ts";
import { approvers, isAlone, type Start, type Told } from "./wire.ts";

/** What is looked at after each kill: the requests of the last few cycles; every so often, and at the end, all of them. */
const recentCycles = 2;
const mostRecent = 150;
const wholeEvery = 100;
/** A process answers at most so often before it is killed. */
const mostAnswers = 45;
/** How many of the processes cannot reach the target. */
const awayShare = 0.1;
/** How many of the statements run outside a transaction. */
const aloneShare = 0.3;
const everything = 1_000_000_000;

/** How much is done, and from which seed. */
export interface SoakOptions {
  readonly cycles: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** What was counted. */
export interface SoakReport {
  readonly folder: string;
  readonly kills: number;
  readonly requests: number;
  readonly votes: number;
  readonly revocations: number;
  readonly locks: number;
  readonly outcomes: number;
  readonly executed: number;
  readonly doubts: number;
  /** Doubts of which the target cannot tell, cleared up by a person. */
  readonly resolved: number;
  /** What does not hold; empty when nothing acknowledged was lost and nothing ran twice. */
  readonly contradictions: readonly string[];
  /** Removes the data folder. */
  readonly remove: () => void;
}

/**
 * Kills a control plane with its guard over and over (kill -9) while people vote, revoke and lock, and statements run; after every kill the next
 * process is held against everything that was acknowledged, and the target is asked how often each statement took effect.
 */
export async function soak({ cycles, seed, progress }: SoakOptions): Promise<SoakReport> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-soak-"));
  const cache = mkdtempSync(join(tmpdir(), "countersign-soak-code-"));
  await using postgres = await startPostgres({
    sql: ["create table runs (marker text not null)", "create table nothing (id int primary key)"],
    configuration: { fsync: "off" },
  });
  const target = new pg.Client(postgres.connection());
  await target.connect();
  await bundleProcess();
  const random = new Random(seed);
  const said = new Acknowledged();
  /** Without the right password the target cannot be asked what became of a statement: the doubt has to be told as one. */
  const make = (isAway = false) => {
    const env = { PASSWORD: isAway ? "wrong" : postgres.password, NODE_COMPILE_CACHE: cache };
    return new Driven(env, (id, state) => said.outcomes.set(id, state));
  };
  const start: Start = { folder, address: `127.0.0.1:${postgres.port}`, user: postgres.superuser };
  const contradictions: string[] = [];
  let known: Known = { pending: [], doubts: [] };
  let next = make();
  let recentFrom = 0;

  const look = async (process: Driven, most: number) => {
    // What is told meanwhile may be newer than what is listed.
    const outcomes = new Map(said.outcomes);
    const seen = await process.ask({ ask: "list", most });
    const { rows } = await target.query("select marker, count(*)::int as times from runs group by marker");
    const times = new Map(rows.map(({ marker, times }) => [String(marker), Number(times)]));
    const listed = new Set(seen.requests.map(({ id }) => id));
    const recent = (id: string) => Number.parseInt(said.requests.get(id) ?? "", 10) > recentFrom;
    contradictions.push(
      ...said.contradictions(seen, outcomes, times, most === everything ? () => true : (id) => recent(id) || listed.has(id)),
    );
    known = {
      pending: seen.requests.filter(({ state }) => state === "pending"),
      doubts: seen.requests.filter(({ marker, state }) => state === "unknown" && isAlone(marker)),
    };
    return { requests: seen.requests, executed: rows.length };
  };

  try {
    for (let cycle = 1; cycle <= cycles && contradictions.length === 0; cycle++) {
      const process = next;
      next = make(cycle < cycles && random.next() < awayShare);
      // Half of them are killed at a moment, half at a named step of a call.
      const step = random.next() < 0.5 ? random.of([...steps, ...recoverySteps]) : undefined;
      const stopAt = step && { step, count: 1 + random.below(3) };
      // It may kill itself while it recovers.
      await process.start({ ...start, ...(stopAt && { stopAt }) }).catch(ignoreGone);
      recentFrom = cycle - recentCycles;
      await look(process, cycle % wholeEvery === 0 ? everything : mostRecent).catch(ignoreGone);
      const work = busy(process, known, random, said, cycle);
      await Promise.race([process.answered(random.below(mostAnswers)).then(() => sleep(random.below(4))), process.gone]);
      await process.kill();
      await work;
      if (cycle % 50 === 0) progress(`${cycle} kills, ${said.requests.size} requests, ${said.votes.size} votes`);
    }
    await next.start(start);
    const { executed } = await rest(async () => {
      const seen = await look(next, everything);
      for (const { id } of known.doubts) await resolve(next, id, said);
      return seen;
    });
    await next.ask({ ask: "close" });
    const { requests, votes, revoked, outcomes, doubts } = said;
    return {
      ...{ folder, kills: cycles, executed, contradictions, remove: () => rmSync(folder, { recursive: true, force: true }) },
      ...{ requests: requests.size, votes: votes.size, revocations: revoked.size, locks: said.locked, outcomes: outcomes.size },
      ...{ doubts: doubts.size, resolved: said.resolved.size },
    };
  } finally {
    await next.kill();
    await target.end();
    rmSync(cache, { recursive: true, force: true });
  }
}

/** What there was to decide when a process had started. */
interface Known {
  readonly pending: readonly Told[];
  /** Of which only a person can tell. */
  readonly doubts: readonly Told[];
}

/** Several people and an agent at once, until the process is gone. */
async function busy(process: Driven, known: Known, random: Random, said: Acknowledged, cycle: number): Promise<void> {
  const open = [...known.pending];
  const doubts = [...known.doubts];
  let opened = 0;
  /** Nobody may have asked for anything before the process went away. */
  const idle = async () => {
    if (process.isGone) throw new Gone("It is gone");
    await sleep(1);
  };
  const agent = async () => {
    const kind = random.next() < aloneShare ? "alone" : "counted";
    const request = await process.ask({ ask: "submit", marker: `${cycle}.${++opened}.${kind}` });
    said.requests.set(request.id, request.marker);
    open.push(request);
  };
  const approver = async () => {
    const request = random.of(open.slice(-8));
    const who = random.of(approvers);
    if (request === undefined || who === undefined) return idle();
    const verdict = random.next() < 0.95 ? "approve" : "deny";
    await process.ask({ ask: "vote", id: request.id, digest: request.digest, who, verdict });
    said.vote(request.id, who, verdict);
  };
  const admin = async () => {
    const request = random.of(open);
    if (request === undefined) return idle();
    if (random.next() < 0.7) {
      const { id, state } = await process.ask({ ask: "revoke", id: request.id });
      // What runs is asked to stop; its outcome says what truly happened.
      if (state === "cancelled" || state === "revoked") said.revoked.set(id, state);
      return;
    }
    const { lock } = await process.ask({ ask: "lock", target: { type: "approver", subject: "carl" } });
    said.locks.add(lock);
    said.locked++;
    if (random.next() < 0.3) return;
    said.locks.delete(lock);
    await process.ask({ ask: "lift", lock });
  };
  const operator = async () => {
    const doubt = doubts.shift();
    if (doubt === undefined) throw new Gone("Nothing is left to be said");
    await resolve(process, doubt.id, said);
  };
  await Promise.all([agent, approver, approver, approver, admin, operator].map((one) => untilGone(one)));
}

/** A person says of a doubt that it did not happen; it makes no difference to a statement that changes nothing. */
async function resolve(process: Driven, id: string, said: Acknowledged): Promise<void> {
  const { state } = await process.ask({ ask: "resolve", id, happened: false });
  said.resolved.set(id, state);
}

async function untilGone(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work();
    } catch (error) {
      if (error instanceof Gone) return;
      // Refused, e.g. because somebody else was quicker.
    }
  }
}

/** Waits until nothing is under way or in doubt any more, and looks a last time. */
async function rest<Seen extends { requests: readonly Told[] }>(look: () => Promise<Seen>): Promise<Seen> {
  for (let tries = 0; ; tries++) {
    const seen = await look();
    const under = seen.requests.filter(({ state }) => state === "approved" || state === "executing" || state === "unknown");
    if (under.length === 0) return seen;
    if (tries === 200) throw new Error(`still under way: ${under.map(({ id, state }) => `${id} ${state}`).join(", ")}`);
    await sleep(200);
  }
}

function ignoreGone(error: unknown): undefined {
  if (!(error instanceof Gone)) throw error;
  return undefined;
}
