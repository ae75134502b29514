import { describe, expect, test } from "vitest";
import type { HttpRequest, KubernetesRequest, McpCall, Operation, SshExec } from "../../action.ts";
import { classify } from "../../facts.ts";
import type { Bound } from "../bound.ts";
import { grantableValues, matchesGrant, templateOf } from "../template.ts";

const options = { searchPath: [] };

function covers(approved: Operation, bounds: Readonly<Record<string, Bound>>, asked: Operation): boolean {
  const list = Object.entries(bounds).map(([value, bound]) => ({ value, bound }));
  return matchesGrant(templateOf(approved, classify(approved, options), list), asked, classify(asked, options));
}

const values = (operation: Operation) => grantableValues(operation, classify(operation, options));

const any: Bound = { type: "any" };

describe("ssh.exec", () => {
  const ssh = (command: string, tty = false): SshExec => ({ kind: "ssh.exec", command, tty });
  const approved = ssh("systemctl restart api-1");
  const bounds: Record<string, Bound> = { "word 3": { type: "prefix", prefix: "api-" } };

  test("its arguments are values, its program is not", () => {
    expect(values(approved)?.map(({ name }) => name)).toEqual(["word 2", "word 3"]);
    expect(() => covers(approved, { "word 1": any }, approved)).toThrow(/no value/);
  });
  test.each<[boolean, SshExec]>([
    [true, ssh("systemctl restart api-2")],
    [true, ssh("systemctl  'restart' \"api-2\"  # again")],
    [false, ssh("systemctl restart web-1")],
    [false, ssh("systemctl stop api-1")],
    [false, ssh("/tmp/systemctl restart api-1")],
    [false, ssh("sudo systemctl restart api-1")],
    [false, ssh("systemctl restart api-1 api-2")],
    [false, ssh("systemctl restart")],
    [false, ssh("systemctl restart api-1; reboot")],
    [false, ssh("systemctl restart api-1 && reboot")],
    [false, ssh("systemctl restart api-1 | tee /etc/motd")],
    [false, ssh("systemctl restart api-1 > /etc/motd")],
    [false, ssh("systemctl restart api-$(reboot)")],
    [false, ssh("systemctl restart api-*")],
    [false, ssh("LANG=C systemctl restart api-1")],
    [false, ssh("(systemctl restart api-1)")],
    [false, ssh("! systemctl restart api-1")],
    [false, ssh("time systemctl restart api-1")],
    [false, ssh("cd /tmp && systemctl restart api-1")],
    [false, ssh("systemctl restart api-/../x")],
    [false, ssh("systemctl restart api-1", true)],
  ])("%s: %j", (expected, asked) => {
    expect(covers(approved, bounds, asked)).toBe(expected);
  });

  test("an argument that may be anything is no option, unless the bound names it", () => {
    const cat = ssh("cat a.txt");
    expect(covers(cat, { "word 2": any }, ssh("cat /etc/motd"))).toBe(true);
    expect(covers(cat, { "word 2": any }, ssh("cat --show-all"))).toBe(false);
    expect(covers(cat, { "word 2": any }, ssh("cat -"))).toBe(false);
    expect(covers(cat, { "word 2": { type: "one_of", values: ["-A"] } }, ssh("cat -A"))).toBe(true);
  });

  test("a redirect stays", () => {
    const logged = ssh("uptime 2> /dev/null");
    expect(covers(logged, {}, ssh("uptime 2>/dev/null"))).toBe(true);
    expect(covers(logged, {}, ssh("uptime > /dev/null"))).toBe(false);
    expect(covers(logged, {}, ssh("uptime"))).toBe(false);
  });

  test.each(["ls; ls", "sh -c 'ls'", "eval ls", "LANG=C ls"])("%s becomes no grant", (command) => {
    expect(values(ssh(command))).toBeUndefined();
  });
});

describe("http.request", () => {
  const http = (method: string, path: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
    ...{ kind: "http.request", method, path, headers: [["content-type", "application/json"]], body: { text: '{"a":1}' } },
    ...more,
  });
  const approved = http("POST", "/orders/7/refund?mode=full&note=x");
  const bounds: Record<string, Bound> = {
    "segment 2": { type: "range", min: "1", max: "99" },
    "query note": any,
  };

  test("parts of the path and values of the query are values", () => {
    expect(values(approved)?.map(({ name }) => name)).toEqual([
      "query mode",
      "query note",
      "segment 1",
      "segment 2",
      "segment 3",
    ]);
  });
  test.each<[boolean, HttpRequest]>([
    [true, http("POST", "/orders/8/refund?mode=full&note=anything%20else")],
    [false, http("POST", "/orders/100/refund?mode=full&note=x")],
    [false, http("POST", "/orders/8/refund?mode=half&note=x")],
    [false, http("POST", "/orders/8/refund?note=x&mode=full")],
    [false, http("POST", "/orders/8/refund?mode=full&note=x&force=1")],
    [false, http("POST", "/orders/8/refund?mode=full")],
    [false, http("POST", "/orders/8/refund?mode=full&note")],
    [false, http("POST", "/orders/8/refund/?mode=full&note=x")],
    [false, http("POST", "/orders/8/refund/all?mode=full&note=x")],
    [false, http("POST", "/users/8/refund?mode=full&note=x")],
    [false, http("PUT", "/orders/8/refund?mode=full&note=x")],
    [false, http("POST", "/orders/8/refund?mode=full&note=x", { body: { text: '{"a":2}' } })],
    [false, http("POST", "/orders/8/refund?mode=full&note=x", { body: { text: '{"a": 1}' } })],
    [false, http("POST", "/orders/8/refund?mode=full&note=x", { headers: [] })],
    [
      false,
      http("POST", "/orders/8/refund?mode=full&note=x", {
        headers: [
          ["content-type", "application/json"],
          ["if-match", "*"],
        ],
      }),
    ],
  ])("%s: %j", (expected, asked) => {
    expect(covers(approved, bounds, asked)).toBe(expected);
  });
});

describe("http.request to an API that names what is asked", () => {
  const operation = (id: string, path: string) => ({ id, method: "GET", path });
  const http = { graphql: "/graphql", operations: [operation("getOrder", "/orders/{id}"), operation("purge", "/orders/purge")] };
  const known = { searchPath: [], http };
  const get = (path: string): HttpRequest => ({ kind: "http.request", method: "GET", path, headers: [] });
  const query = (text: string) => get(`/graphql?query=${encodeURIComponent(text)}`);
  const granted = (approved: HttpRequest, value: string, asked: HttpRequest) =>
    matchesGrant(templateOf(approved, classify(approved, known), [{ value, bound: any }]), asked, classify(asked, known));

  test("an order that may be any is not another operation", () => {
    expect(granted(get("/orders/7"), "segment 2", get("/orders/8"))).toBe(true);
    expect(granted(get("/orders/7"), "segment 2", get("/orders/purge"))).toBe(false);
  });

  test("a query that may be any asks for the same", () => {
    expect(granted(query("{ me { name } }"), "query query", query("{ me { id } }"))).toBe(true);
    expect(granted(query("{ me { name } }"), "query query", query("mutation { me { name } }"))).toBe(false);
    expect(granted(query("{ me { name } }"), "query query", query("{ users { name } }"))).toBe(false);
  });
});

describe("kubernetes.request", () => {
  const kubernetes = (method: string, path: string): KubernetesRequest => ({
    kind: "kubernetes.request",
    method,
    path,
    headers: [],
  });
  const approved = kubernetes("DELETE", "/api/v1/namespaces/shop/pods/api-1");

  test.each<[boolean, KubernetesRequest]>([
    [true, kubernetes("DELETE", "/api/v1/namespaces/shop/pods/api-2")],
    [false, kubernetes("DELETE", "/api/v1/namespaces/shop/pods")],
    [false, kubernetes("DELETE", "/api/v1/namespaces/other/pods/api-1")],
    [false, kubernetes("DELETE", "/api/v1/namespaces/shop/secrets/api-1")],
    [false, kubernetes("GET", "/api/v1/namespaces/shop/pods/api-1")],
    [false, kubernetes("DELETE", "/api/v1/namespaces/shop/pods/api-1?gracePeriodSeconds=0")],
    [false, kubernetes("DELETE", "/apis/apps/v1/namespaces/shop/pods/api-1")],
  ])("%s: %j", (expected, asked) => {
    expect(covers(approved, { "segment 6": { type: "prefix", prefix: "api-" } }, asked)).toBe(expected);
  });

  test("a part of the path that may be anything does not make another resource or verb of it", () => {
    const log = kubernetes("GET", "/api/v1/namespaces/shop/pods/api-1/log");
    const all = { "segment 5": any, "segment 6": any, "segment 7": any };
    expect(covers(log, all, kubernetes("GET", "/api/v1/namespaces/shop/pods/api-2/log"))).toBe(true);
    expect(covers(log, all, kubernetes("GET", "/api/v1/namespaces/shop/pods/api-2/status"))).toBe(false);
    expect(covers(log, all, kubernetes("GET", "/api/v1/namespaces/shop/secrets/api-2/log"))).toBe(false);
  });

  test("another pod of the same name is covered only where its uid may be any", () => {
    const exec = (uid?: string) => ({
      ...kubernetes("GET", "/api/v1/namespaces/shop/pods/api-1/exec?command=ls&container=app"),
      ...(uid !== undefined && { uid }),
    });
    expect(covers(exec("a"), {}, exec("a"))).toBe(true);
    expect(covers(exec("a"), {}, exec("b"))).toBe(false);
    expect(covers(exec("a"), { uid: any }, exec("b"))).toBe(true);
    expect(covers(exec("a"), { uid: any }, exec())).toBe(false);
    expect(covers(exec(), {}, exec("a"))).toBe(false);
  });

  test("what exec runs keeps its program; its arguments are no options", () => {
    const exec = (...argv: string[]) =>
      kubernetes("GET", `/api/v1/namespaces/shop/pods/api-1/exec?${argv.map((one) => `command=${one}`).join("&")}&stdout=true`);
    const names = values(exec("cat", "a"))?.map(({ name }) => name);
    expect(names).toContain("query command 2");
    expect(names).not.toContain("query command 1");
    expect(covers(exec("cat", "a"), { "query command 2": any }, exec("cat", "b"))).toBe(true);
    expect(covers(exec("cat", "a"), { "query command 2": any }, exec("cat", "-v"))).toBe(false);
    expect(covers(exec("cat", "a"), { "query command 2": any }, exec("tac", "b"))).toBe(false);
    expect(covers(exec("cat", "a"), { "query command 2": any }, exec("cat", "b", "c"))).toBe(false);
  });
});

describe("mcp.call", () => {
  const mcp = (args: McpCall["arguments"], more: Partial<McpCall> = {}): McpCall => ({
    ...{ kind: "mcp.call", server: "files", tool: "write", arguments: args },
    ...more,
  });
  const approved = mcp({ path: "/srv/a", mode: 7, force: false, tags: ["x", "y"], "a/b": { "~": "z" } });

  test("texts and numbers are values, by their path", () => {
    expect(values(approved)?.map(({ name }) => name)).toEqual([
      "argument /a~1b/~0",
      "argument /mode",
      "argument /path",
      "argument /tags/0",
      "argument /tags/1",
    ]);
  });
  const bounds: Record<string, Bound> = { "argument /path": { type: "prefix", prefix: "/srv/" }, "argument /mode": any };
  const whole = approved.arguments;
  test.each<[boolean, McpCall]>([
    [true, mcp({ ...whole, path: "/srv/b", mode: 8 })],
    [true, mcp({ tags: ["x", "y"], "a/b": { "~": "z" }, force: false, mode: 7, path: "/srv/a" })],
    [false, mcp({ ...whole, path: "/etc/passwd" })],
    [false, mcp({ ...whole, path: "/srv/../etc/passwd" })],
    [false, mcp({ ...whole, mode: "7" })],
    [false, mcp({ ...whole, mode: null })],
    [false, mcp({ ...whole, force: true })],
    [false, mcp({ ...whole, tags: ["x"] })],
    [false, mcp({ ...whole, tags: ["y", "x"] })],
    [false, mcp({ ...whole, more: 1 })],
    [false, mcp({ path: "/srv/a" })],
    [false, mcp(whole, { tool: "delete" })],
    [false, mcp(whole, { server: "other" })],
    [false, mcp(whole, { schema: { type: "object" } })],
  ])("%s: %j", (expected, asked) => {
    expect(covers(approved, bounds, asked)).toBe(expected);
  });
});
