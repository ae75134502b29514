import { MemoryTables } from "../../packages/control/fixtures/memory-stores.ts";
import type { Change, StoredRequest } from "../../packages/control/src/stores/request-store.ts";

/** Tables that tell of every change of a request. */
export class WatchedTables extends MemoryTables {
  readonly #onChange: (before: StoredRequest, after: StoredRequest) => void;

  constructor(onChange: (before: StoredRequest, after: StoredRequest) => void) {
    super();
    this.#onChange = onChange;
  }

  /** Takes over what other tables hold. */
  copy({ requests, events, standing }: MemoryTables): void {
    for (const [id, request] of requests) this.requests.set(id, request);
    for (const [id, some] of events) this.events.set(id, some);
    for (const [id, one] of standing) this.standing.set(id, one);
  }

  override change(id: string, change: Change): boolean {
    const before = this.requests.get(id);
    const changed = super.change(id, change);
    const after = this.requests.get(id);
    if (changed && before !== undefined && after !== undefined) this.#onChange(before, after);
    return changed;
  }
}
