import { parseDocument } from "@countersign/policy";
import { z } from "zod";

const server = z.looseObject({
  url: z.string().max(2000),
  variables: z
    .record(z.string(), z.looseObject({ default: z.coerce.string(), enum: z.array(z.coerce.string()).max(50).optional() }))
    .optional(),
});

const operation = z.looseObject({
  operationId: z.string().min(1).max(200).optional(),
  servers: z.array(server).max(50).optional(),
});

/** Methods that a path item has fields for (OpenAPI 3.1 §4.8.9.1). */
const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;

const one = operation.optional();

const pathItem = z.looseObject({
  $ref: z
    .string()
    .refine(() => false, { error: "a path that stands elsewhere is not followed; write it here (bundle the document)" })
    .optional(),
  servers: z.array(server).max(50).optional(),
  ...{ get: one, put: one, post: one, delete: one, options: one, head: one, patch: one, trace: one },
});

/** A `servers` entry, as documents have it. */
export type Server = z.output<typeof server>;

const documentSchema = z
  .looseObject({
    openapi: z.string().regex(/^3\.[01]\.\d+(?:-.+)?$/, "an OpenAPI document of version 3.0 or 3.1"),
    servers: z.array(server).max(50).optional(),
    paths: z.record(z.string().max(500), pathItem).default({}),
  })
  .superRefine(({ paths }, context) => {
    const ids = new Map<string, string>();
    const shapes = new Map<string, string>();
    for (const [path, item] of Object.entries(paths)) {
      const problem = (message: string, ...at: string[]) =>
        context.addIssue({ code: "custom", message, path: ["paths", path, ...at] });
      const why = templateProblem(path);
      if (why !== undefined) problem(why);
      const shape = path.replace(/\{[^{}]*\}/g, "{}");
      const same = shapes.get(shape);
      if (same !== undefined) problem(`it fits the same requests as ${same}`);
      shapes.set(shape, path);
      for (const method of methods) {
        const id = item[method]?.operationId;
        const other = id === undefined ? undefined : ids.get(id);
        if (other !== undefined) problem(`the operationId ${id} is taken by ${other}`, method, "operationId");
        if (id !== undefined) ids.set(id, `${method.toUpperCase()} ${path}`);
      }
    }
  });

/** One operation, with the servers that it is at. */
export interface DocumentedOperation {
  readonly id: string;
  /** Upper case. */
  readonly method: string;
  readonly path: string;
  readonly servers: readonly Server[];
}

/** Its own default (OpenAPI 3.1 §4.8.1.1). */
const root: readonly Server[] = [{ url: "/" }];

/**
 * The operations of an OpenAPI document, JSON or YAML.
 *
 * @throws {DocumentError} with file, line and column of what is wrong.
 */
export function readOpenApi(file: string, text: string): readonly DocumentedOperation[] {
  const { paths, servers = root } = parsed(file, text);
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((name): readonly DocumentedOperation[] => {
      const found = item[name];
      if (found === undefined) return [];
      const method = name.toUpperCase();
      const at = found.servers ?? item.servers ?? servers;
      return [{ id: found.operationId ?? `${method} ${path}`, method, path, servers: at.length === 0 ? root : at }];
    }),
  );
}

/** JSON is read as such, which is many times faster; what is wrong with a document is told by the reader that knows places. */
function parsed(file: string, text: string): z.output<typeof documentSchema> {
  if (text.trimStart().startsWith("{")) {
    try {
      return documentSchema.parse(JSON.parse(text));
    } catch {
      return parseDocument(file, text, documentSchema);
    }
  }
  return parseDocument(file, text, documentSchema);
}

function templateProblem(path: string): string | undefined {
  if (!/^\/(?:[^{}?#\s]|\{[^{}/?#]+\})*$/.test(path))
    return "a path begins with / and holds no ?, # or white space, and each { has its }";
  if (/\}\{/.test(path)) return "two parameters stand side by side, so that nobody can tell where one ends";
  const names = [...path.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name);
  return new Set(names).size < names.length ? "a parameter is named twice" : undefined;
}
