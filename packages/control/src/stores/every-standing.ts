import type { Standing, StandingQuery, StandingStore } from "./standing-store.ts";

const page = 200;

/** All that match, newest first, a page at a time. */
export async function* everyStanding(store: StandingStore, query: Omit<StandingQuery, "after">): AsyncGenerator<Standing> {
  let after: StandingQuery["after"];
  for (;;) {
    const some = await store.list({ ...query, ...(after && { after }) }, page);
    yield* some;
    const last = some.at(-1);
    if (last === undefined || some.length < page) return;
    after = { createdMs: last.createdMs, id: last.id };
  }
}
