import { describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { readTarget } from "./target.ts";

/** How a target is taken: `refused: why`, `doubted: why`, or the path. */
function taken(target: string): string {
  try {
    const { path } = readTarget(target);
    return path.doubts.length > 0 ? `doubted: ${path.doubts.join("; ")}` : path.text;
  } catch (error) {
    if (error instanceof CountersignError) return `refused: ${error.code}: ${error.message}`;
    throw error;
  }
}

test.each([
  ["/", "/", []],
  ["/orders/7", "/orders/7", ["orders", "7"]],
  ["/orders/7/", "/orders/7/", ["orders", "7"]],
  ["/a%20b/c%C3%A9", "/a b/cé", ["a b", "cé"]],
  ["/a%20b/c%c3%a9", "/a b/cé", ["a b", "cé"]],
  ["/v1/users:batchGet", "/v1/users:batchGet", ["v1", "users:batchGet"]],
  [
    "/~me/%7Eyou/a+b/(1)/a,b/$x/@y/!/*",
    "/~me/~you/a+b/(1)/a,b/$x/@y/!/*",
    ["~me", "~you", "a+b", "(1)", "a,b", "$x", "@y", "!", "*"],
  ],
  ["/.well-known/x", "/.well-known/x", [".well-known", "x"]],
  ["/100%25", "/100%", ["100%"]],
  ["/100%25%20off", "/100% off", ["100% off"]],
  ["/%E6%97%A5%E6%9C%AC", "/日本", ["日本"]],
  ["/a%3Ab%40c%26", "/a:b@c&", ["a:b@c&"]],
])("%s is read as %s", (target, text, segments) => {
  const { path } = readTarget(target);
  expect(path).toEqual({ text, segments, doubts: [] });
});

describe("http-smuggle: refused, whatever rules say", () => {
  test.each([
    ["dot segments", ["/a/../admin", "/..", "/.", "/a/.", "/a/./b", "/../../etc/passwd", "/a/.."]],
    ["encoded dot segments", ["/a/%2e%2e/b", "/a/%2E%2e/b", "/a/.%2e/b", "/a/%2e./b", "/%2e", "/a/%2e"]],
    [
      "dot segments with a path parameter",
      ["/a/..;/b", "/a/..;x=1/b", "/a/.;/b", "/%2e%2e;/b", "/a/..%3B/b", "/;/admin", "/;x/a"],
    ],
    ["dot segments with spaces", ["/a/..%20/b", "/a/%20../b", "/a/.%20/b", "/a/%20/b"]],
    ["empty segments", ["//admin", "/a//b", "/a//", "///", "/a///b"]],
    [
      "slashes and backslashes",
      ["/a%2fb", "/a%2Fb", "/%2F", "/a\\b", "/a%5cb", "/a/..%5c..%5cb", "/\\evil.example", "/%2fadmin"],
    ],
    [
      "double encoding",
      ["/%252e%252e/a", "/a%252fb", "/%2525252e", "/%25%32%65", "/%2%35%32e", "/%25u002e", "/a%255cb", "/%25%36%31dmin"],
    ],
    ["broken escapes", ["/%", "/%2", "/%zz", "/%u0061dmin", "/%x41", "/a%2 ", "/%%32%65", "/%-1"]],
    ["bytes that are not UTF-8", ["/%ff", "/%c0%ae%c0%ae/", "/%c0%af", "/%e0%80%af", "/%ed%a0%80", "/%f4%90%80%80", "/%80"]],
    [
      "control characters",
      ["/%00", "/admin%00.png", "/a%0d%0aHost:x", "/a%09", "/a%7f", "/%C2%85", "/a\u0000", "/a\r\nX: y", "/a\tb"],
    ],
    [
      "raw characters",
      ["/a b", "/é", "/\u{1F600}", "/\ud800", "/\u012e\u012e/a", '/"', "/<a>", "/{a}", "/a|b", "/^", "/`", "/[a]"],
    ],
    ["forms that name a host", ["http://evil/a", "https://x", "evil:443", "*", "", "a", "./a", "?a=1", "@evil/a", ":80/a", "#a"]],
    ["fragments", ["/a#b", "/#", "/a?b#c"]],
  ])("%s", (_, targets) => {
    for (const target of targets) expect(taken(target), target).toMatch(/^refused: invalid_operation: [A-Z].*\.$/);
  });

  test("a target above 16 KiB", () => {
    expect(taken(`/${"a".repeat(16 * 1024 - 1)}`)).toMatch(/^\/a+$/);
    expect(taken(`/${"a".repeat(16 * 1024)}`)).toMatch(/^refused: operation_too_large: /);
  });
});

describe("http-smuggle: opaque, because some servers read them in another way", () => {
  test.each([
    ["path parameters", ["/admin;x", "/a;jsessionid=1/b", "/a%3Bb", "/a;"], /semicolon/],
    ["needless escapes", ["/%61dmin", "/%41", "/a%2Db", "/a%2ehtml", "/%5f", "/%30"], /encodes letters/],
    ["an encoded end of the path", ["/admin%3Fx", "/a%23b", "/public%3f/x"], /encoded \? or #/],
    ["what Windows drops", ["/admin.", "/admin%20", "/admin./x", "/%20admin", "/a...", "/admin.;x"], /begins or ends/],
    [
      "look-alikes of dots and slashes",
      ["/%EF%BC%8E%EF%BC%8E/a", "/%E2%80%A4", "/a%EF%BC%8Fb", "/a%E2%88%95b", "/a%E2%81%84b"],
      /take for others/,
    ],
    ["look-alikes of letters", ["/%EF%BD%81dmin", "/%E2%84%AAey", "/%C5%BFecret", "/adm%C4%B1n", "/e%CC%81"], /take for others/],
    [
      "what is not seen",
      ["/ad%E2%80%8Bmin", "/%EF%BB%BFa", "/a%C2%ADb", "/a%E2%80%AEb", "/a%E2%80%A8b", "/a%EF%B8%8F"],
      /take for others/,
    ],
  ])("%s", (_, targets, why) => {
    for (const target of targets) {
      expect(taken(target), target).toMatch(/^doubted: /);
      expect(taken(target), target).toMatch(why);
    }
  });
});
