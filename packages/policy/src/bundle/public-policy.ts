import { posix } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import type { Digest } from "../canonical.ts";
import { openDocument } from "../open-document.ts";
import { resolveInclude } from "../policy/include.ts";
import type { Policy } from "../policy.ts";

/** What agents may see of a policy. */
export interface PublicPolicy {
  /** Of the whole policy: what decisions name. */
  readonly digest: Digest;
  /** Texts by name, as `loadPolicy` takes them. The policy's own when nothing was left out. */
  readonly files: Readonly<Record<string, string>>;
  /** Rules were left out: what these files say is not what the policy says. */
  readonly partial: boolean;
}

/** As much of a policy file as has to be looked into; the policy was loaded from it, so that the rest is as it should be. */
const fileShape = z.looseObject({
  private: z.boolean().optional(),
  include: z.array(z.string()).optional(),
  variables: z.record(z.string(), z.unknown()).optional(),
  conditions: z.record(z.string(), z.string()).optional(),
  rules: z.array(z.looseObject({ private: z.boolean().optional(), when: z.string().optional() })).optional(),
});

type File = z.infer<typeof fileShape>;

/** A variable or named condition, by the file that defines it. */
type Definition = `${string}\n${"variables" | "conditions"}\n${string}`;

const layout = { lineWidth: 0, aliasDuplicateObjects: false };

/**
 * Leaves out what is marked private: files, rules, and with them every variable and named condition that only they use, comments, and the
 * public rules that use what a private file defines. What is left is written anew, so that nothing of the private text can be in it.
 */
export function publicPolicy({ digest, files }: Pick<Policy, "digest" | "files">): PublicPolicy {
  if (isAllShown(files)) return { digest, files, partial: false };
  const open = new Map(Object.entries(files).map(([name, text]) => [name, fileShape.parse(openDocument(name, text).value)]));
  const isPartial = [...open.values()].some((file) => file.private || file.rules?.some((rule) => rule.private));
  if (!isPartial) return { digest, files, partial: false };
  const shown = Object.fromEntries([...withoutPrivate(open)].map(([name, file]) => [name, stringify(file, layout)]));
  // A policy has at least one file.
  const isEmpty = Object.keys(shown).length === 0;
  return { digest, files: isEmpty ? { "policy.yaml": "version: 1\nrules: []\n" } : shown, partial: true };
}

/** Whether nothing can be private, by a look at the texts alone: the word may also be written with escapes. */
function isAllShown(files: Readonly<Record<string, string>>): boolean {
  return Object.values(files).every((text) => !/private|\\/.test(text));
}

function withoutPrivate(open: ReadonlyMap<string, File>): ReadonlyMap<string, File> {
  const uses = new Uses(open);
  const files = [...open].filter(([, file]) => !file.private);
  const kept = new Set<Definition>();
  const rules = new Map(
    files.map(([name, file]) => {
      const shown = (file.rules ?? []).filter((rule) => !rule.private && uses.of(name, rule.when ?? "").every(isShown));
      for (const rule of shown) for (const used of uses.of(name, rule.when ?? "")) kept.add(used);
      return [name, shown];
    }),
  );
  return new Map(
    files.map(([name, { private: _, include, variables, conditions, ...rest }]) => {
      const isKept = (kind: "variables" | "conditions", key: string) => kept.has(`${name}\n${kind}\n${key}`);
      const file = {
        ...rest,
        ...(include && { include: shownIncludes(open, name) }),
        ...(variables && { variables: picked(variables, (key) => isKept("variables", key)) }),
        ...(conditions && { conditions: picked(conditions, (key) => isKept("conditions", key)) }),
        rules: rules.get(name) ?? [],
      };
      return [name, file];
    }),
  );

  function isShown(definition: Definition): boolean {
    const [file = ""] = definition.split("\n");
    return open.get(file)?.private !== true;
  }
}

/** What a file includes, with those that a private file includes in its place. */
function shownIncludes(open: ReadonlyMap<string, File>, name: string): string[] {
  const through = new Set([name]);
  const shown = new Set<string>();
  for (const from of through) {
    for (const one of open.get(from)?.include ?? []) {
      const target = resolveInclude(from, one);
      if (open.get(target)?.private) through.add(target);
      else shown.add(posix.relative(posix.dirname(name), target));
    }
  }
  return [...shown];
}

/** Which variables and named conditions a condition uses, also through others. Names in texts count too: rather one too many. */
class Uses {
  readonly #open: ReadonlyMap<string, File>;

  constructor(open: ReadonlyMap<string, File>) {
    this.#open = open;
  }

  of(file: string, text: string): readonly Definition[] {
    const found = new Map<Definition, true>();
    const visible = this.#visible(file);
    const visit = (from: readonly string[], condition: string): void => {
      for (const definer of from) {
        for (const kind of ["variables", "conditions"] as const) {
          for (const [name, value] of Object.entries(this.#open.get(definer)?.[kind] ?? {})) {
            const definition: Definition = `${definer}\n${kind}\n${name}`;
            if (found.has(definition) || !mentions(condition, kind, name)) continue;
            found.set(definition, true);
            if (kind === "conditions") visit(this.#visible(definer), String(value));
          }
        }
      }
    };
    visit(visible, text);
    return [...found.keys()];
  }

  /** A file and those that it includes, also through others. */
  #visible(file: string): readonly string[] {
    const seen = new Set([file]);
    for (const name of seen) {
      for (const one of this.#open.get(name)?.include ?? []) seen.add(resolveInclude(name, one));
    }
    return [...seen];
  }
}

/** Whether a condition may use a name: `variables.name`, or by an index that cannot be read here. */
function mentions(condition: string, kind: string, name: string): boolean {
  return new RegExp(`\\b${kind}\\s*(?:\\.\\s*${name}\\b|\\[)`).test(condition);
}

function picked<Value>(all: Readonly<Record<string, Value>>, isKept: (key: string) => boolean): Record<string, Value> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => isKept(key)));
}
