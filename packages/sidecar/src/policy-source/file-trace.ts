import { lstat, readlink } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";

/** More symbolic links than Linux itself follows (40) lead in a circle. */
const mostLinks = 40;

/**
 * What a path leads to: each symbolic link on the way and the file at the end, with a stamp that changes when it is changed or another one
 * takes its place. What is missing ends the way with the stamp `-`. A Kubernetes ConfigMap is swapped by a link on the way.
 */
async function traceFile(path: string): Promise<ReadonlyMap<string, string>> {
  const trace = new Map<string, string>();
  let rest = resolve(path).split(sep).slice(1);
  let at: string = sep;
  for (let links = 0; ; ) {
    const [next, ...later] = rest;
    if (next === undefined) return trace;
    const entry = join(at, next);
    const found = await lstat(entry, { bigint: true }).catch(() => undefined);
    if (found === undefined || links > mostLinks) return trace.set(entry, "-");
    const { dev, ino, size, mtimeNs, ctimeNs } = found;
    if (found.isSymbolicLink()) {
      const target = await readlink(entry).catch(() => "");
      trace.set(entry, `${dev} ${ino} ${ctimeNs} ${target}`);
      rest = [...resolve(dirname(entry), target).split(sep).slice(1), ...later];
      at = sep;
      links++;
    } else {
      // A folder that is replaced brings other links and files; what happens in it besides is nothing to us.
      if (!found.isDirectory() || later.length === 0) trace.set(entry, `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`);
      rest = later;
      at = entry;
    }
  }
}

/** The traces of several paths together. */
export async function traceFiles(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const traces = await Promise.all(paths.map(traceFile));
  return new Map(traces.flatMap((trace) => [...trace]));
}

/** Whether nothing changed between two traces. */
export function isSameTrace(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([entry, stamp]) => b.get(entry) === stamp);
}
