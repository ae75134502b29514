import { message } from "./messages.ts";
import type { Door } from "./psql.ts";
import { RawClient, transcript } from "./raw-client.ts";

/** How a conversation's bytes are handed to the operating system. */
export type Pace = "at once" | "by frames" | "by bytes";

/** Says it all on a connection of its own, ends with Terminate, and gives the answers up to the end of the connection. */
export async function conversed(door: Door, said: readonly Buffer[], pace: Pace = "at once"): Promise<readonly string[]> {
  using client = await RawClient.open(door);
  const all = [...said, message.terminate()];
  if (pace === "at once") client.write(...all);
  else
    for (const one of pace === "by frames" ? all : bytesOf(all)) {
      client.write(one);
      await new Promise(setImmediate);
    }
  await client.end();
  return transcript(client.answers);
}

function bytesOf(parts: readonly Buffer[]): readonly Buffer[] {
  const all = Buffer.concat(parts);
  return Array.from(all, (_, at) => all.subarray(at, at + 1));
}
