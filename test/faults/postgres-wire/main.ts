// The long form: `npm run fuzz -- [codec|session|hold|shell|ssh-command] [--minutes 10] [--seed N]`. Ends with 1 when something is wrong; the seed shows it again.
import { setTimeout as sleep } from "node:timers/promises";
import { residentMb } from "../../bench/process.ts";
import { HeldPsql } from "../../conformance/postgres-wire/held-psql.ts";
import { allButForbidden, deletesWait, openWireWorld } from "../../conformance/postgres-wire/world.ts";
import { approverClient, vote } from "../../harness/approver.ts";
import { longForm } from "../../harness/long-form.ts";
import { Random } from "../../harness/random.ts";
import { fuzzCommandsLong } from "../ssh-command/long-form.ts";
import { fuzzShell } from "../ssh-shell/shell-fuzz.ts";
import { fuzzCodec } from "./codec-fuzz.ts";
import { fuzzSessions } from "./session-fuzz.ts";

const targets: Readonly<Record<string, () => Promise<void>>> = { codec, session, hold, shell, "ssh-command": sshCommand };
const { numbers, names } = longForm({
  usage: `npm run fuzz -- [${Object.keys(targets).join("|")}] [--minutes N] [--seed N]`,
  numbers: { minutes: 10, seed: 1 + (Date.now() % 1_000_000_000) },
  names: Object.keys(targets),
});
const { minutes } = numbers;
let { seed } = numbers;

for (const name of names.length > 0 ? names : Object.keys(targets)) {
  process.stdout.write(`${name}: seed ${seed}, ${minutes} minutes\n`);
  await targets[name]?.();
  process.stdout.write(`${name}: nothing wrong\n`);
}

async function codec(): Promise<void> {
  const until = Date.now() + minutes * 60_000;
  let streams = 0;
  for (; Date.now() < until; streams += 10_000) fuzzCodec(new Random(seed++), 10_000);
  process.stdout.write(`codec: ${streams} streams\n`);
}

/** Memory as in {@link session}. */
async function shell(): Promise<void> {
  const began = Date.now();
  const all = { shells: 0, lines: 0 };
  let earlyMb: number | undefined;
  for (; Date.now() < began + minutes * 60_000; all.shells++) {
    all.lines += (await fuzzShell(new Random(seed++), 100)).ran;
    if (Date.now() > began + minutes * 6_000) earlyMb ??= residentMb(process.pid);
  }
  const grownMb = residentMb(process.pid) - (earlyMb ?? 0);
  process.stdout.write(
    `shell: ${all.shells} shells, ${all.lines} lines, memory grown by ${grownMb.toFixed(0)} MB, the last seed ${seed - 1}\n`,
  );
  if (grownMb > 100) throw new Error("memory grows with the shells");
}

/** Memory is compared with that after the first tenth of the time: it must not grow with what came. */
async function session(): Promise<void> {
  await using world = await openWireWorld({ policy: allButForbidden });
  const began = Date.now();
  let sessions = 0;
  let earlyMb: number | undefined;
  for (; Date.now() < began + minutes * 60_000; sessions += 200) {
    await fuzzSessions(world, seed, 200);
    seed += 200;
    if (Date.now() > began + minutes * 6_000) earlyMb ??= residentMb(world.instance.pid);
  }
  const grownMb = residentMb(world.instance.pid) - (earlyMb ?? 0);
  process.stdout.write(`session: ${sessions} sessions, memory grown by ${grownMb.toFixed(0)} MB\n`);
  if (grownMb > 100) throw new Error("memory grows with the sessions");
}

/** A statement that waits for so long by the machine's own clock. */
async function hold(): Promise<void> {
  await using world = await openWireWorld({ policy: deletesWait });
  const { postgres } = world.instance;
  await postgres.query("create table item (id int primary key)", [], "orders");
  await postgres.query("alter table item owner to orders_writer", [], "orders");
  await postgres.query("insert into item select generate_series(1, 10)", [], "orders");
  const held = new HeldPsql(world.guarded, "delete from item where id <= 3");
  const id = await held.request();
  await sleep(minutes * 60_000);
  using alice = await approverClient(world.instance, "alice");
  await vote(alice, id, "approve");
  const { out, err, code } = await held.ended;
  const left = await world.instance.value("select count(*)::int from item");
  if (code !== 0 || out !== "DELETE 3\n" || left !== 7) throw new Error(`${code} ${out} ${err} ${left}`);
}

async function sshCommand(): Promise<void> {
  fuzzCommandsLong(seed, minutes);
}
