import { expect, test } from "vitest";
import { parse } from "yaml";
import { execCredential } from "./exec-credential.ts";
import { kubeconfig, mergeKubeconfig } from "./kubeconfig.ts";

const prod = kubeconfig({
  ...{ resource: "prod", server: "https://127.0.0.1:6443/clusters/prod", ca: "PEM" },
  ...{ namespace: "shop", tokenFile: "/run/token" },
});

test("it names the listener, whom to trust, and who gives the token; there is no secret in it", () => {
  expect(prod).toMatchObject({
    clusters: [{ cluster: { server: "https://127.0.0.1:6443/clusters/prod", "certificate-authority-data": "UEVN" } }],
    users: [{ user: { exec: { command: "countersign", args: ["kubernetes", "token", "--token-file", "/run/token"] } } }],
    contexts: [{ context: { cluster: "countersign-prod", user: "countersign-prod", namespace: "shop" } }],
    "current-context": "countersign-prod",
  });
});

test("an empty file becomes a whole kubeconfig", () => {
  expect(parse(mergeKubeconfig("", prod, "config"))).toEqual(prod);
});

test("what is there stays as it is written; an entry of the same name is replaced, and doing it twice changes nothing", () => {
  const before = [
    "# mine",
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    "- name: own # keep",
    "  cluster: {server: https://own}",
    "- name: countersign-prod",
    "  cluster: {server: https://old}",
    "users: []",
    "contexts: null",
    "current-context: own",
  ].join("\n");
  const merged = mergeKubeconfig(before, prod, "config");
  expect(merged).toMatch(/^# mine\n/);
  expect(merged).toContain("# keep");
  expect(parse(merged)).toMatchObject({
    clusters: [{ name: "own", cluster: { server: "https://own" } }, prod.clusters[0]],
    ...{ users: prod.users, contexts: prod.contexts, "current-context": "own" },
  });
  expect(mergeKubeconfig(merged, prod, "config")).toBe(merged);
});

test.each(["- a list", "clusters: text", "a: b: c", "clusters: [}"])("%j is no kubeconfig", (text) => {
  expect(() => mergeKubeconfig(text, prod, "config")).toThrow(/config.* is no (kubeconfig|list)/);
});

const token = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
const info = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}}';

test("the agent's token, as client-go takes it, with the time at which it asks again", () => {
  expect(execCredential(token({ exp: 1_900_000_000 }), info, 0)).toEqual({
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: { token: token({ exp: 1_900_000_000 }), expirationTimestamp: "2030-03-17T17:46:40Z" },
  });
});

test.each(["opaque", "a.b.c", token({}), token({ exp: "soon" }), token({ exp: 1e300 })])(
  "a token whose expiry cannot be read has none: %s",
  (text) => {
    expect(execCredential(text, undefined, 0)).toMatchObject({ status: { token: text } });
    expect(JSON.stringify(execCredential(text, undefined, 0))).not.toContain("expirationTimestamp");
  },
);

test("what could not work is said at once, without the token", () => {
  const old = token({ exp: 1000 });
  expect(() => execCredential(old, info, 2_000_000)).toThrow(/expired at 1970-01-01T00:16:40/);
  expect(() => execCredential(old, info, 2_000_000)).not.toThrow(old);
  expect(() => execCredential("", info, 0)).toThrow(/no token/);
  expect(() => execCredential("a\nb", info, 0)).toThrow(/more than one word/);
  expect(() => execCredential("a", info.replace("/v1", "/v1beta1"), 0)).toThrow(/client\.authentication\.k8s\.io\/v1\./);
});
