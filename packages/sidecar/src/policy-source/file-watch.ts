import { type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

/**
 * Tells when an entry of a folder changes. Only a hint: some file systems tell nothing, and a folder that is replaced takes its watch with it,
 * so that whoever watches also looks by itself now and then.
 */
export class FileWatch implements Disposable {
  readonly #onChange: () => void;
  readonly #folders = new Map<string, { readonly watcher: FSWatcher; readonly inode: bigint; names: ReadonlySet<string> }>();

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches exactly these entries (absolute paths) from now on. */
  follow(entries: Iterable<string>): void {
    const wanted = new Map<string, Set<string>>();
    for (const entry of entries) {
      const names = wanted.get(dirname(entry)) ?? new Set();
      wanted.set(dirname(entry), names.add(basename(entry)));
    }
    for (const folder of this.#folders.keys()) if (!wanted.has(folder)) this.#drop(folder);
    for (const [folder, names] of wanted) this.#watch(folder, names);
  }

  [Symbol.dispose](): void {
    for (const folder of this.#folders.keys()) this.#drop(folder);
  }

  #watch(folder: string, names: ReadonlySet<string>): void {
    const known = this.#folders.get(folder);
    const inode = inodeOf(folder);
    if (known !== undefined && known.inode === inode) {
      known.names = names;
      return;
    }
    this.#drop(folder);
    if (inode === undefined) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || this.#folders.get(folder)?.names.has(name)) this.#onChange();
      });
      watcher.on("error", () => this.#drop(folder));
      this.#folders.set(folder, { watcher, inode, names });
    } catch {
      // No watch is left, or the folder may not be read: looking now and then has to do.
    }
  }

  #drop(folder: string): void {
    this.#folders.get(folder)?.watcher.close();
    this.#folders.delete(folder);
  }
}

function inodeOf(folder: string): bigint | undefined {
  try {
    return statSync(folder, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}
