import type { KeyObject } from "node:crypto";
import { realpath } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { BundleError, includesOf, openBundle, type PolicyReading, type Problem, type ReadPolicy } from "@countersign/policy";
import { type PolicyFile, readPolicyFile, UnreadableFile } from "./policy-file.ts";

/** How policies are read. */
export interface PolicyReaderOptions {
  /** Given, a bundle that one of these signed is the only policy that is read. */
  readonly trustedKeys?: readonly KeyObject[];
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** A file of this size holds some three thousand rules. */
const largestFile = 1024 * 1024;
const largestBundle = 8 * 1024 * 1024;
const largestSum = 4 * 1024 * 1024;
const mostFiles = 256;

/**
 * The one reader of policies: named files and what they include, or one bundle.
 *
 * A name among the policy's files is the path from the deepest folder that holds all the named ones, so that the policy's digest is the same
 * wherever that folder is. What is included stays in that folder: `..` does not lead out of it, and a symbolic link only to where a named
 * file's own link leads.
 *
 * @param paths of the files that were named; absolute.
 */
export function policyReader(paths: readonly string[], options: PolicyReaderOptions): ReadPolicy {
  return async (inForce) => {
    const [only = "", ...others] = paths;
    const bundle = others.length === 0 ? await readBundle(only, options, inForce) : undefined;
    return bundle ?? (await readFiles(paths, options));
  };
}

/** `undefined` when the file is no bundle. */
async function readBundle(
  path: string,
  { trustedKeys, now }: PolicyReaderOptions,
  after: Parameters<ReadPolicy>[0],
): Promise<PolicyReading | undefined> {
  const found = await readPolicyFile(path, largestBundle).catch(() => undefined);
  if (found === undefined || !looksLikeBundle(found.text)) return undefined;
  const reading = { paths: [path], files: {}, problems: [], warnings: openTo(path, found) };
  try {
    const { files, version, expiresMs, partial } = openBundle(Buffer.from(found.text), {
      nowMs: now(),
      ...(trustedKeys && { trustedKeys }),
      ...(after && { after }),
    });
    if (partial)
      throw new BundleError("partial", "The bundle is for agents: private rules were left out, so it cannot be enforced.");
    const bundle = { version, ...(expiresMs === undefined ? {} : { expiresMs }) };
    return { ...reading, files, bundle, locate: (name) => `${path}#${name}` };
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return { ...reading, problems: [problem(path, error.message)], locate: () => path };
  }
}

async function readFiles(named: readonly string[], { trustedKeys }: PolicyReaderOptions): Promise<PolicyReading> {
  const reader = new FilesReader(named);
  await reader.read();
  const unsigned = problem(
    named[0] ?? "",
    "policyKeys are configured, so that the policy has to be one signed bundle; make it with `countersign policy bundle --sign`",
  );
  return { ...reader.reading(), ...(trustedKeys && { problems: [unsigned] }) };
}

/** Follows includes; each file is read once. */
class FilesReader {
  readonly #named: readonly string[];
  readonly #folder: string;
  readonly #files: Record<string, string> = {};
  readonly #paths = new Set<string>();
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];
  /** Where files may really be. */
  #homes: readonly string[] = [];
  #size = 0;

  constructor(named: readonly string[]) {
    this.#named = named;
    this.#folder = commonFolder(named);
  }

  async read(): Promise<void> {
    const really = await Promise.all([this.#folder, ...this.#named].map((path) => realpath(path).catch(() => path)));
    const [folder = this.#folder, ...named] = really;
    this.#homes = [folder, ...named.map((path) => dirname(path))];
    const waiting = this.#named.map((path) => ({ name: relative(this.#folder, path).split(sep).join("/"), by: "" }));
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { name, by } = next;
      if (this.#paths.has(this.#locate(name))) continue;
      const text = await this.#readOne(name, by);
      if (text !== undefined) waiting.push(...includesOf(name, text).map((one) => ({ name: one, by: name })));
    }
  }

  reading(): PolicyReading {
    return {
      paths: [...this.#paths],
      files: this.#files,
      locate: (name) => this.#locate(name),
      problems: this.#problems,
      warnings: this.#warnings,
    };
  }

  #locate(name: string): string {
    return join(this.#folder, name);
  }

  /** @param by the file that includes it; empty for a named one. */
  async #readOne(name: string, by: string): Promise<string | undefined> {
    const path = this.#locate(name);
    const included = by === "" ? "" : `${this.#locate(by)} includes it, and `;
    if (by !== "" && !isIn(this.#folder, path)) {
      this.#problems.push(
        problem(
          this.#locate(by),
          `it includes ${path}, which is not in ${this.#folder}; an include stays in the policy's folder`,
        ),
      );
      return undefined;
    }
    this.#paths.add(path);
    try {
      if (this.#paths.size > mostFiles) throw new UnreadableFile(`with it the policy has more than ${mostFiles} files`);
      const really = await realpath(path).catch(() => path);
      if (by !== "" && !this.#homes.some((home) => isIn(home, really)))
        throw new UnreadableFile(`it leads to ${really}, out of the policy's folder`);
      const found = await readPolicyFile(really, largestFile);
      this.#size += found.text.length;
      if (this.#size > largestSum) throw new UnreadableFile(`with it the policy is larger than ${largestSum / 1024} KiB`);
      this.#warnings.push(...openTo(path, found));
      this.#files[name] = found.text;
      return found.text;
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      this.#problems.push(problem(path, `the policy file cannot be read: ${included}${error.message}`));
      return undefined;
    }
  }
}

/** A policy of YAML cannot: its keys are others. */
function looksLikeBundle(text: string): boolean {
  return text.trimStart().startsWith("{") && text.includes('"countersign/policy-bundle/');
}

function openTo(path: string, { openness }: PolicyFile): readonly Problem[] {
  return openness === undefined ? [] : [problem(path, openness)];
}

function problem(file: string, message: string): Problem {
  return { file, line: 1, column: 1, message };
}

function isIn(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function commonFolder(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => dirname(resolve(path)).split(sep));
  let length = first.length;
  for (const parts of others) {
    while (first.slice(0, length).join(sep) !== parts.slice(0, length).join(sep)) length--;
  }
  return first.slice(0, length).join(sep) || sep;
}
