import { expect, test } from "vitest";
import { ApiError } from "./api-error.ts";
import type { InboxItem } from "./client.ts";
import { type FeedSource, type FeedTiming, InboxFeed } from "./inbox-feed.ts";
import type { State, Summary } from "./model.ts";

function request(id: string, changedMs: number, state: State = "pending"): Summary {
  const principal = { issuer: "unix", subject: "agent", groups: [] };
  return {
    id,
    state,
    resource: "db",
    principal,
    headline: "",
    rules: [],
    createdMs: 0,
    expiresMs: 9e12,
    changedMs,
    canVote: state === "pending",
    actionDigest: "",
    brokeGlass: false,
    reviewDueMs: undefined,
    reminded: 0,
  };
}

/** A server that the test drives: each connection is a list of items, then it hangs, ends or fails. */
class Server implements FeedSource {
  readonly connections: { items: InboxItem[]; end: "hang" | "close" | Error }[];
  listed: Summary[] = [];
  pages = 0;
  connects = 0;
  constructor(...connections: Server["connections"]) {
    this.connections = connections;
  }
  async *inbox(signal: AbortSignal) {
    const connection = this.connections[this.connects++] ?? { items: [], end: "hang" };
    for (const item of connection.items) yield item;
    if (connection.end instanceof Error) throw connection.end;
    if (connection.end === "hang")
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }
  async list(query: { pageSize: number; pageToken?: string }) {
    this.pages++;
    const from = Number(query.pageToken || 0);
    const next = from + query.pageSize;
    return { requests: this.listed.slice(from, next), nextPageToken: next < this.listed.length ? String(next) : "" };
  }
}

/** A clock that jumps to the end of a pause as soon as everything else is done. */
class JumpingClock implements FeedTiming {
  time = 0;
  readonly pauses: number[] = [];
  now() {
    return this.time;
  }
  random() {
    return 1;
  }
  async sleep(ms: number, signal: AbortSignal) {
    this.pauses.push(ms);
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (!signal.aborted) this.time += ms;
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 400 && !condition(); round++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}

const open: InboxItem = { type: "open" };
const says = (one: Summary): InboxItem => ({ type: "request", request: one });

function start(server: Server, clock = new JumpingClock()) {
  const feed = new InboxFeed(server, clock);
  const stop = new AbortController();
  const arrivals: string[] = [];
  feed.onArrival((one) => arrivals.push(one.id));
  return { feed, clock, arrivals, run: feed.run(stop.signal), [Symbol.dispose]: () => stop.abort() };
}

test("the list is read page by page before the feed says that it is live", async () => {
  const server = new Server({ items: [open], end: "hang" });
  server.listed = Array.from({ length: 450 }, (_, index) => request(`r${index}`, 1));
  using running = start(server);
  await until(() => running.feed.snapshot().connection.state === "live");
  expect([running.feed.snapshot().requests.size, server.pages]).toEqual([450, 3]);
  expect(running.arrivals).toEqual([]);
});

test("an older message never overwrites a newer one", async () => {
  const server = new Server({
    items: [open, says(request("a", 5, "denied")), says(request("a", 9)), says(request("a", 7, "denied"))],
    end: "hang",
  });
  server.listed = [request("a", 8)];
  using running = start(server);
  await until(() => running.feed.snapshot().requests.get("a")?.changedMs === 9);
  expect(running.feed.snapshot().requests.get("a")?.state).toBe("pending");
});

test("whoever looks at a request is told of each message about it, also when its summary stays the same", async () => {
  const same = request("a", 5);
  const server = new Server({ items: [open, says(same), says(request("b", 1)), says(same), says(same)], end: "hang" });
  server.listed = [same];
  using running = start(server);
  const told: string[] = [];
  running.feed.onTold("a", () => told.push("a"));
  const stop = running.feed.onTold("a", () => told.push("gone"));
  stop();
  await until(() => told.length === 3);
  expect(told).toEqual(["a", "a", "a"]);
});

test("after a gap, what ended in it is gone and what came in it is told", async () => {
  const server = new Server({ items: [open, says(request("old", 1))], end: "hang" }, { items: [open], end: "hang" });
  server.listed = [request("old", 1)];
  using running = start(server);
  await until(() => running.feed.snapshot().loaded);
  server.listed = [request("new", 2)];
  // The silent connection is given up after 45 s of the clock, and the next one is joined with the list.
  await until(() => running.feed.snapshot().requests.has("new") && !running.feed.snapshot().requests.has("old"));
  expect(running.arrivals).toEqual(["new"]);
});

test("pauses between attempts grow to half a minute", async () => {
  const down = { items: [], end: new ApiError("unreachable", "down", { retryable: true }) };
  const server = new Server(...Array.from({ length: 9 }, () => down));
  using running = start(server);
  await until(() => server.connects > 9);
  const pauses = running.clock.pauses.filter((pause) => pause !== 15_000);
  expect(pauses.slice(0, 8)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("the end of the session ends the feed", async () => {
  using running = start(new Server({ items: [], end: new ApiError("unauthenticated", "no", { status: 401 }) }));
  await expect(running.run).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a list that cannot be read is tried again with the connection", async () => {
  const server = new Server({ items: [open], end: "hang" }, { items: [open], end: "hang" });
  const list = server.list.bind(server);
  server.list = async (query) => {
    if (server.connects === 1) throw new ApiError("internal", "broken", { status: 500 });
    return list(query);
  };
  using running = start(server);
  await until(() => running.feed.snapshot().connection.state === "live");
  expect(server.connects).toBe(2);
});
