import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { HttpApi, HttpOperation } from "@countersign/policy";
import type { HttpResource } from "../resource.ts";
import { basesOf } from "./base-path.ts";
import { type DocumentedOperation, readOpenApi } from "./document.ts";

const mostBytes = 16 * 1024 * 1024;
const mostOperations = 5_000;

interface Found extends DocumentedOperation {
  readonly file: string;
}

/**
 * What classification has to know of an API, as the resource and its OpenAPI documents say.
 *
 * @param folder files are relative to it.
 * @throws {DocumentError} with the place of what is wrong in a document.
 * @throws {Error} when a document cannot be read, or two contradict each other.
 */
export function readHttpApi(
  { name, origin, graphql, openapi }: Pick<HttpResource, "name" | "origin" | "graphql" | "openapi">,
  folder: string,
): HttpApi {
  const found = openapi.flatMap((file) =>
    readOpenApi(file, textOf(resolve(folder, file))).map((one): Found => ({ ...one, file })),
  );
  const operations = found.length === 0 && openapi.length === 0 ? undefined : at(origin, found);
  if (operations !== undefined && operations.length > mostOperations)
    throw new Error(
      `The OpenAPI documents of ${name} have ${operations.length} operations; at most ${mostOperations} are taken. Leave out what agents never call.`,
    );
  return Object.freeze({
    ...(graphql !== undefined && { graphql }),
    ...(operations && { operations: Object.freeze(operations) }),
  });
}

function textOf(path: string): string {
  if (statSync(path).size > mostBytes) throw new Error(`The OpenAPI document ${path} is larger than ${mostBytes} bytes.`);
  return readFileSync(path, "utf8");
}

/** The operations at an origin; documents that name other origins only are taken to describe this one. */
function at(origin: string, found: readonly Found[]): readonly HttpOperation[] {
  const placed = found.map((one) => ({ one, bases: one.servers.flatMap((server) => basesOf(server, origin)) }));
  const isNamed = placed.some(({ bases }) => bases.some((base) => base.origin === origin));
  const ids = new Map<string, string>();
  const shapes = new Map<string, string>();
  return placed.flatMap(({ one, bases }) => {
    const { id, method, path, file } = one;
    const own = `${method} ${path} in ${file}`;
    claim(
      ids,
      id,
      own,
      (other) => `Two operations are called ${id}: ${other} and ${own}. Rules could not tell them apart; rename one.`,
    );
    const paths = new Set(bases.filter((base) => !isNamed || base.origin === origin).map((base) => base.path + path));
    return [...paths].map((whole) => {
      const shape = `${method} ${whole.replace(/\{[^{}]*\}/g, "{}")}`;
      claim(shapes, shape, own, (other) => `${other} and ${own} are the same request. Leave one of them out.`);
      return Object.freeze({ id, method, path: whole });
    });
  });
}

function claim(taken: Map<string, string>, key: string, by: string, complaint: (other: string) => string): void {
  const other = taken.get(key);
  if (other !== undefined) throw new Error(complaint(other));
  taken.set(key, by);
}
