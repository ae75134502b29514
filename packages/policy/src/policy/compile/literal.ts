import { Failure, type Part } from "./scope.ts";

/** A value that is the same for every operation. */
export function literal(value: unknown): Part {
  return { run: () => value, steps: 1, constant: { value } };
}

/** `[a, b, …]`. */
export function list(parts: readonly Part[]): Part {
  if (parts.every(({ constant }) => constant !== undefined)) return literal(parts.map(({ constant }) => constant?.value));
  const runs = parts.map(({ run }) => run);
  return {
    run: (s, o, i) => {
      const values = runs.map((run) => run(s, o, i));
      return values.find((value) => value instanceof Failure) ?? values;
    },
    steps: parts.reduce((sum, { steps }) => sum + steps, 5),
  };
}

/** `{"a": b, …}`. */
export function map(entries: readonly (readonly [key: string, value: Part])[]): Part {
  return {
    run: (s, o, i) => {
      const values = entries.map(([key, { run }]) => [key, run(s, o, i)] as const);
      const failed = values.find(([, value]) => value instanceof Failure);
      return failed ? failed[1] : Object.fromEntries(values);
    },
    steps: entries.reduce((sum, [, { steps }]) => sum + steps + 50, 5),
  };
}
