import { extendedConversations } from "./extended-conversations.ts";
import { pipelineConversations } from "./pipeline-conversations.ts";
import { simpleConversations } from "./simple-conversations.ts";

/** What a client says after start-up, by what it shows. A driver may say it; the answers must be PostgreSQL's own, byte for byte. */
export type Conversations = Readonly<Record<string, readonly Buffer[]>>;

/** All of them, under names that are different. */
export const conversations: Conversations = {
  ...prefixed("simple", simpleConversations),
  ...prefixed("extended", extendedConversations),
  ...prefixed("pipeline", pipelineConversations),
};

function prefixed(prefix: string, values: Conversations): Conversations {
  return Object.fromEntries(Object.entries(values).map(([name, said]) => [`${prefix}: ${name}`, said]));
}
