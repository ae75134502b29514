/** Stands in for lru-cache, which reserves room for all that it may ever hold: a world holds a handful, and there are millions of worlds. */
export class LRUCache<Key, Value> extends Map<Key, Value> {
  constructor(_options: unknown) {
    super();
  }
}
