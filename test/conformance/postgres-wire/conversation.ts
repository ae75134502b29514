import { setTimeout as sleep } from "node:timers/promises";
import { message } from "./messages.ts";
import type { Door } from "./psql.ts";
import { RawClient, transcript } from "./raw-client.ts";

/** How a conversation's bytes are handed to the operating system. */
export type Pace = "at once" | "by frames" | "by bytes";

/** How it is said. */
export interface Manner {
  readonly pace?: Pace;
  /** After how many ReadyForQuery the client says goodbye; without it at once, behind everything else. */
  readonly ready?: number;
}

/** Says it all on a connection of its own, ends with Terminate, and gives the answers up to the end of the connection. */
export async function conversed(
  door: Door,
  said: readonly Buffer[],
  { pace = "at once", ready }: Manner = {},
): Promise<readonly string[]> {
  using client = await RawClient.open(door);
  const goodbye = message.terminate();
  const all = ready === undefined ? [...said, goodbye] : said;
  if (pace === "at once") client.write(...all);
  else
    for (const one of pace === "by frames" ? all : bytesOf(all)) {
      client.write(one);
      await new Promise(setImmediate);
    }
  // What does not come in time is seen to be missing by who compares.
  if (ready !== undefined) await Promise.race([client.ready(ready), sleep(3000)]).catch(() => {});
  if (ready !== undefined) client.write(goodbye);
  if (!client.ended) await client.end();
  return transcript(client.answers);
}

/** How often the server was ready in the answers. */
export function readyIn(answers: readonly string[]): number {
  return answers.filter((one) => one.startsWith("Z ")).length;
}

function bytesOf(parts: readonly Buffer[]): readonly Buffer[] {
  const all = Buffer.concat(parts);
  return Array.from(all, (_, at) => all.subarray(at, at + 1));
}
