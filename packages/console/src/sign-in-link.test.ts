import { expect, test } from "vitest";
import { parsePath } from "./route.ts";
import { rememberWanted, takeToken, takeWanted } from "./sign-in-link.ts";

function storage(): Storage {
  const items = new Map<string, string>();
  return {
    length: 0,
    clear: () => items.clear(),
    key: () => null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

test("a path leads to its page, and to no other", () => {
  expect(parsePath("/requests/req_01J")).toEqual({ page: "request", id: "req_01J" });
  for (const path of ["/requests/", "/requests/a/b", "/requests/..", "//evil.example", "/inbox"]) {
    expect(parsePath(path).page).toBe("not-found");
  }
});

test("the token is taken from the address and cleared from the history", () => {
  const replaced: unknown[] = [];
  const history = { replaceState: (_: unknown, __: string, url: unknown) => replaced.push(url) };
  const at = (pathname: string, hash: string) => takeToken({ pathname, hash } as Location, history as unknown as History);
  expect(at("/sign-in", "#abc")).toBe("abc");
  expect(replaced).toEqual(["/sign-in"]);
  expect([at("/sign-in", ""), at("/sign-in", "#"), at("/", "#abc")]).toEqual([undefined, undefined, undefined]);
});

test("the wanted page is remembered once and for ten minutes", () => {
  const store = storage();
  rememberWanted("/requests/req_1", store, 0);
  expect(takeWanted(store, 1000)).toBe("/requests/req_1");
  expect(takeWanted(store, 1000)).toBe("/");
  rememberWanted("/requests/req_1", store, 0);
  expect(takeWanted(store, 11 * 60_000)).toBe("/");
});

test("a stored page cannot lead out of the console", () => {
  for (const path of ["https://evil.example", "//evil.example", "/sign-in", "javascript:alert(1)"]) {
    const store = storage();
    store.setItem("countersign.wanted", JSON.stringify({ path, nowMs: 0 }));
    expect(takeWanted(store, 0)).toBe("/");
  }
  const store = storage();
  store.setItem("countersign.wanted", "{");
  expect(takeWanted(store, 0)).toBe("/");
});
