// The demo: a real PostgreSQL, Countersign and an agent, private to this run. `--hands-free` approves as a scripted person and checks everything.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { Instance } from "@countersign/test/harness/instance";
import { done, say, styled } from "./narration.ts";
import { approvePending } from "./person.ts";
import { type AgentMessage, Story } from "./story.ts";

const { values } = parseArgs({ options: { "hands-free": { type: "boolean", default: false } } });
const handsFree = values["hands-free"];

/** psql and drivers get in by a Unix socket in the run folder, as the agent that it stands for. */
const postgresListener = `sidecar:
  postgres:
    - { unix: postgres, principal: { subject: local-agent } }
`;

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
const stopped = once(stop.signal, "abort");

process.exitCode = await demo();

/** Gives the exit code. Whatever happens, the agent, Countersign and the database are ended and their folder is removed. */
async function demo(): Promise<number> {
  say(styled("bold", "Countersign demo"));
  say(styled("dim", "Starting a database, Countersign and an agent, private to this demo …"));
  await using instance = await Instance.start({ config: postgresListener });
  done(`PostgreSQL ${await instance.postgres.version()} with 500 orders`);
  done(`Countersign   console  ${instance.at.console}`);
  say(`                sign in  ${styled("cyan", instance.at.signIn)}`);
  const [socket] = instance.at.postgres.map(({ address }) => dirname(address.replace("unix://", "")));
  say(`                psql     ${styled("cyan", `psql "host=${socket} dbname=orders-db user=reader"`)}`);
  say();
  const agent = fork(new URL("agent.ts", import.meta.url), { env: { ...process.env, COUNTERSIGN_ADDRESS: instance.at.agent } });
  try {
    const story = new Story(instance, handsFree);
    agent.on("message", (message: AgentMessage) => void story.hear(message));
    if (handsFree) void approvePending(instance, story, stop.signal);
    await Promise.race([once(agent, "exit"), stopped]);
    if (stop.signal.aborted) return 130;
    const code = await story.conclude(agent.exitCode ?? 1);
    if (handsFree) return code;
    say();
    say(`The console stays open at ${styled("cyan", instance.at.console)}; Ctrl-C ends the demo.`);
    await stopped;
    return code;
  } finally {
    await end(agent);
    await instance.end("SIGTERM");
  }
}

async function end(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = once(agent, "exit");
  agent.kill("SIGKILL");
  await ended;
}
