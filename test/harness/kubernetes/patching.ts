import { ApiError, type Fields, isFields } from "./object.ts";

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const result: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

/**
 * A strategic merge patch where lists of named objects are merged by `name`, which holds for containers, their environment and volumes
 * ("Update API Objects in Place Using kubectl patch"); other lists are replaced. `$setElementOrder` and `$retainKeys` are not looked at.
 */
function strategicallyMerged(target: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) return Array.isArray(target) && isNamed(target) && isNamed(patch) ? byName(target, patch) : patch;
  if (!isFields(patch)) return patch;
  if (patch.$patch === "replace") return withoutDirectives(patch);
  const result: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith("$")) continue;
    if (value === null) delete result[name];
    else result[name] = strategicallyMerged(result[name], value);
  }
  return result;
}

function isNamed(list: readonly unknown[]): list is readonly Fields[] {
  return list.every((one) => isFields(one) && typeof one.name === "string");
}

function byName(target: readonly Fields[], patch: readonly Fields[]): unknown[] {
  const result: unknown[] = [...target];
  for (const one of patch) {
    const at = result.findIndex((each) => isFields(each) && each.name === one.name);
    if (one.$patch === "delete") {
      if (at >= 0) result.splice(at, 1);
    } else if (at < 0) result.push(withoutDirectives(one));
    else result[at] = strategicallyMerged(result[at], one);
  }
  return result;
}

function withoutDirectives(value: Fields): Fields {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith("$")));
}

/** RFC 6902, on a copy. */
function jsonPatched(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new ApiError(400, "BadRequest", "a JSON patch is a list");
  let result = structuredClone(target);
  for (const step of patch) {
    if (!isFields(step) || typeof step.path !== "string") throw new ApiError(400, "BadRequest", "a step without a path");
    if (step.op === "test" && JSON.stringify(at(result, step.path)) !== JSON.stringify(step.value))
      throw new ApiError(422, "Invalid", "the server rejected our request due to an error in our request");
    if (step.op === "add" || step.op === "replace") result = changed(result, step.path, "put", step.value, step.op === "add");
    if (step.op === "remove") result = changed(result, step.path, "remove");
    if ((step.op === "move" || step.op === "copy") && typeof step.from === "string") {
      const value = at(result, step.from);
      if (step.op === "move") result = changed(result, step.from, "remove");
      result = changed(result, step.path, "put", value, true);
    }
  }
  return result;
}

/** RFC 6901. */
function pointer(path: string): string[] {
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function at(root: unknown, path: string): unknown {
  return pointer(path).reduce<unknown>((value, part) => {
    if (Array.isArray(value)) return value[Number(part)];
    return isFields(value) ? value[part] : undefined;
  }, root);
}

function changed(root: unknown, path: string, what: "put" | "remove", value?: unknown, inserts = false): unknown {
  const parts = pointer(path);
  const last = parts.pop();
  if (last === undefined) return value;
  const parent = at(root, parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""));
  if (Array.isArray(parent)) {
    const index = last === "-" ? parent.length : Number(last);
    parent.splice(index, what === "remove" || !inserts ? 1 : 0, ...(what === "put" ? [value] : []));
  } else if (isFields(parent)) {
    if (what === "remove") delete parent[last];
    else parent[last] = value;
  } else throw new ApiError(422, "Invalid", `there is nothing at ${path}`);
  return root;
}

/** By the media type of the patch (API concepts, "Types of patches"). Server-side apply is merged, without conflicts between managers. */
export const patches: Readonly<Record<string, (target: unknown, patch: unknown) => unknown>> = {
  "application/merge-patch+json": merged,
  "application/strategic-merge-patch+json": strategicallyMerged,
  "application/json-patch+json": jsonPatched,
  "application/apply-patch+yaml": strategicallyMerged,
};
