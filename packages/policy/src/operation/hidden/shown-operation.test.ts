import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KubernetesRequest } from "../../action.ts";
import type { Json } from "../../canonical.ts";
import { classify } from "../../facts.ts";
import { bodyOf } from "../body.ts";
import { hidingWith } from "./hide.ts";
import { shownFacts, shownOperation, shownStoredFacts, withHidden } from "./shown-operation.ts";

const hide = hidingWith("salt");
const secret = 'hunter2 "is" not\na password';
const encoded = Buffer.from(secret).toString("base64");
const mark = hide(Buffer.from(secret));
const applied = "kubectl.kubernetes.io/last-applied-configuration";
const secrets = "/api/v1/namespaces/shop/secrets";
const json = { "content-type": "application/json" };

function request(method: string, path: string, body: unknown, type = "application/json"): KubernetesRequest {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { kind: "kubernetes.request", method, path, headers: [["content-type", type]], body: { text } };
}

function bodyShown(operation: KubernetesRequest): string {
  const { body } = shownOperation(operation, hide) as KubernetesRequest;
  return body !== undefined && "text" in body ? body.text : "";
}

/** None of the ways in which somebody could read it. */
function expectHidden(text: string): void {
  for (const one of [secret, encoded, JSON.stringify(secret).slice(1, -1), "hunter2"]) expect(text).not.toContain(one);
}

const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { password: encoded } };

describe("k8s secrets: a value is shown nowhere", () => {
  test.each<[string, KubernetesRequest]>([
    ["created", request("POST", secrets, object)],
    ["created from text", request("POST", secrets, { ...object, data: undefined, stringData: { password: secret } })],
    ["without its kind", request("PUT", `${secrets}/s`, { data: { password: encoded } })],
    [
      "with its kind last, and escaped",
      request("POST", "/apis/example.com/v1/bundles", `{"spec":{"data":{"p":"${encoded}"},"\\u006bind":"\\u0053ecret"}}`),
    ],
    ["given twice, of which JSON.parse tells one", request("POST", secrets, `{"data":{"a":"${encoded}"},"data":{"a":"eA=="}}`)],
    ["with names in capitals", request("POST", secrets, { Data: { password: encoded }, STRINGDATA: { password: secret } })],
    ["in a list", request("POST", "/apis/example.com/v1/lists", { kind: "List", items: [{ kind: "ConfigMap" }, object] })],
    [
      "in a list of Secrets",
      request("POST", "/apis/example.com/v1/lists", { kind: "SecretList", items: [{ data: { password: encoded } }] }),
    ],
    ["in a list under their own path", request("POST", secrets, { items: [{ data: { password: encoded } }] })],
    ["in kubectl's copy", request("POST", secrets, { metadata: { annotations: { [applied]: JSON.stringify(object) } } })],
    [
      "in a copy of the copy",
      request("POST", "/api/v1/namespaces/shop/configmaps", {
        metadata: {
          annotations: {
            [applied]: JSON.stringify({ kind: "Secret", metadata: { annotations: { [applied]: JSON.stringify(object) } } }),
          },
        },
      }),
    ],
    [
      "in a copy that is no JSON",
      request("POST", secrets, { metadata: { annotations: { [applied]: `data: {password: ${encoded}}` } } }),
    ],
    ["in a merge patch", request("PATCH", `${secrets}/s`, { data: { password: encoded } }, "application/merge-patch+json")],
    [
      "in a strategic merge patch",
      request(
        "PATCH",
        `${secrets}/s`,
        { $patch: "replace", stringData: { password: secret } },
        "application/strategic-merge-patch+json",
      ),
    ],
    [
      "in a JSON patch",
      request("PATCH", `${secrets}/s`, [{ op: "add", path: "/data/password", value: encoded }], "application/json-patch+json"),
    ],
    [
      "in a JSON patch of all of it",
      request("PATCH", `${secrets}/s`, [{ op: "replace", path: "", value: object }], "application/json-patch+json"),
    ],
    [
      "in a JSON patch of all values",
      request(
        "PATCH",
        `${secrets}/s`,
        [{ op: "test", path: "/stringData", value: { a: { b: [secret] } } }],
        "application/json-patch+json",
      ),
    ],
    [
      "in a JSON patch with two paths",
      request(
        "PATCH",
        `${secrets}/s`,
        `[{"op":"add","path":"/data/a","value":"${encoded}","path":"/metadata/labels/a"}]`,
        "application/json-patch+json",
      ),
    ],
    [
      "in a JSON patch with an escaped path",
      request(
        "PATCH",
        `${secrets}/s`,
        [{ op: "add", path: `/metadata/annotations/${applied.replace("/", "~1")}`, value: JSON.stringify(object) }],
        "application/json-patch+json",
      ),
    ],
    [
      "in a JSON patch without a path",
      request("PATCH", `${secrets}/s`, [{ op: "add", Path: "/data/a", Value: encoded }], "application/json-patch+json"),
    ],
    [
      "applied as YAML",
      request(
        "PATCH",
        `${secrets}/s`,
        `kind: Secret\ndata:\n  password: ${encoded}\nstringData: {other: ${encoded}}\n`,
        "application/apply-patch+yaml",
      ),
    ],
    [
      "applied as a block of YAML",
      request(
        "PATCH",
        `${secrets}/s`,
        'stringData:\n  password: |\n    hunter2 "is" not\n    a password\n  next: x\n',
        "application/apply-patch+yaml",
      ),
    ],
    [
      "as an alias of YAML",
      request("PATCH", `${secrets}/s`, `metadata: {labels: {a: &a ${encoded}}}\ndata: {a: *a}`, "application/apply-patch+yaml"),
    ],
    [
      "in YAML whose lines end otherwise for API servers",
      request("PATCH", `${secrets}/s`, `type: Opaque\u2028data:\u2028  a: ${encoded}\n`, "application/apply-patch+yaml"),
    ],
    [
      "in YAML with its kind on two lines",
      request(
        "POST",
        "/apis/example.com/v1/bundles",
        `spec:\n  kind: "Sec\\\n    ret"\n  data: {a: ${encoded}}\n`,
        "application/yaml",
      ),
    ],
    ["in YAML that is none", request("PATCH", `${secrets}/s`, `data: {a: ${encoded}`, "application/apply-patch+yaml")],
    ["in JSON that is too deep", request("PATCH", `${secrets}/s`, `${"[".repeat(300)}"${encoded}"${"]".repeat(300)}`)],
    [
      "in what is no text",
      {
        ...request("POST", secrets, ""),
        body: bodyOf(Buffer.concat([Buffer.from([0x6b, 0x38, 0x73, 0, 0xff]), Buffer.from(secret)])),
      },
    ],
    ["in a number", request("POST", secrets, { data: { pin: 4711, ok: true } })],
    ["under a path with escapes", request("POST", "/api/v1/namespaces/shop/%73ecrets", object)],
  ])("%s", (_, operation) => {
    const text = bodyShown(operation);
    expectHidden(text);
    expect(text).toContain("(hidden, sha256:");
    expect(text).not.toContain("4711");
  });

  test("nor in the facts, that rules look at as they are", () => {
    const operation = request("POST", secrets, object);
    const facts = classify(operation, { searchPath: [] });
    expect(JSON.stringify(facts)).toContain(encoded);
    const plan = { lines: [JSON.parse(JSON.stringify(facts)) as Json, {}] };
    for (const shown of [
      shownFacts(facts, hide),
      shownStoredFacts(JSON.parse(JSON.stringify(facts)), hide),
      shownStoredFacts(plan, hide),
    ]) {
      expectHidden(JSON.stringify(shown));
      expect(JSON.stringify(shown)).toContain(mark);
    }
  });

  test("nor in the lines of a plan", () => {
    const line = { resource: "cluster", operation: request("POST", secrets, object) };
    expectHidden(JSON.stringify(shownOperation({ kind: "plan", lines: [line] }, hide)));
  });

  test("whatever stands around it", () => {
    const around = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constant(object as Json),
        fc.jsonValue().map((value): Json => JSON.parse(JSON.stringify(value))),
        fc.array(tie("tree"), { minLength: 1, maxLength: 3 }),
        fc.dictionary(fc.string(), tie("tree"), { minKeys: 1, maxKeys: 3 }),
      ),
    })).tree;
    fc.assert(
      fc.property(around, fc.constantFrom(secrets, "/apis/example.com/v1/things"), (value, path) => {
        expectHidden(bodyShown(request("POST", path, value)));
      }),
      { numRuns: 300 },
    );
  });
});

describe("ap-display: everything else is shown as it is sent", () => {
  test("nothing else is hidden", () => {
    const settings = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "s", annotations: { note: "secret" } },
      data: { a: "b" },
    };
    for (const operation of [
      request("POST", "/api/v1/namespaces/secrets/configmaps", settings),
      request("POST", "/apis/example.com/v1/secrets", { kind: "Vault", data: { a: "b" } }),
      // What API servers do not take for a Secret must not be hidden from who approves it.
      request("POST", "/api/v1/namespaces/shop/configmaps", '{"kind":"Secret","kind":"ConfigMap","data":{"a":"b"}}'),
      request("POST", "/api/v1/namespaces/shop/configmaps", { Kind: "Secret", kind: "ConfigMap", data: { a: "b" } }),
      request("POST", "/api/v1/namespaces/shop/configmaps", {
        kind: "ConfigMap",
        metadata: { kind: "secret" },
        data: { kind: "secret" },
      }),
      request(
        "PATCH",
        "/apis/apps/v1/namespaces/shop/deployments/web",
        `spec: {a: &secret b, c: *secret}`,
        "application/apply-patch+yaml",
      ),
    ])
      expect(shownOperation(operation, hide)).toBe(operation);
  });

  test("the rest of a Secret keeps its bytes: white space, members that come twice, escapes", () => {
    const text = `{ "kind" : "Secret",\n\t"metadata":{"name":"\\u0073","name":"t"} , "data":{ "a" : "${encoded}","b":null }, "type": 1.0 }`;
    expect(bodyShown(request("POST", secrets, text))).toBe(text.replace(`"${encoded}"`, JSON.stringify(mark)));
    const yaml = "# note\nkind: Secret\nmetadata: {name: s}\ndata:\n  a: eA==   # why\n  b:\n";
    expect(bodyShown(request("PATCH", `${secrets}/s`, yaml, "application/apply-patch+yaml"))).toBe(
      yaml.replace("eA==", JSON.stringify(hide(Buffer.from("x")))),
    );
  });

  test("the same value is seen to be the same, in both of its forms; a short one cannot be guessed", () => {
    const text = bodyShown(request("POST", secrets, { data: { a: encoded, b: "eA==" }, stringData: { c: secret } }));
    expect(JSON.parse(text)).toEqual({ data: { a: mark, b: hide(Buffer.from("x")) }, stringData: { c: mark } });
    expect(mark).toMatch(/^\(hidden, sha256:[0-9a-f]{8}, 27 bytes\)$/);
    expect(hidingWith("another request's")(Buffer.from(secret))).not.toBe(mark);
    expect(hidingWith(undefined)(Buffer.from("x"))).toBe("(hidden, 1 byte)");
  });
});

describe("an approver edits what they saw", () => {
  const original = request("PUT", `${secrets}/s`, { ...object, data: { password: encoded, other: "eA==" } });
  const edit = (change: (text: string) => string, path = original.path) =>
    withHidden({ ...original, path, body: { text: change(bodyShown(original)) } }, original, hide) as KubernetesRequest;
  const bodyAfter = (edited: KubernetesRequest) => JSON.parse(edited.body && "text" in edited.body ? edited.body.text : "");

  test("what is hidden stays, is left out, or gets another value", () => {
    expect(edit((text) => text)).toEqual(original);
    const renamed = edit((text) => JSON.stringify({ ...JSON.parse(text), type: "Opaque" }, null, 2));
    expect(bodyAfter(renamed)).toEqual({ ...object, data: { password: encoded, other: "eA==" }, type: "Opaque" });
    const replaced = edit((text) => text.replace(mark, "bmV3"));
    expect(bodyAfter(replaced).data).toEqual({ password: "bmV3", other: "eA==" });
  });

  test("but is not put where it would be shown", () => {
    const refusal = expect.objectContaining({ code: "invalid_request" });
    const asLabel = (text: string) => text.replace('"name":"s"', `"name":"s","labels":{"a":"${mark}"}`);
    expect(() => edit(asLabel)).toThrow(refusal);
    expect(() => edit((text) => text.replace('"kind":"Secret",', ""), "/api/v1/namespaces/shop/configmaps/s")).toThrow(refusal);
    expect(() => edit((text) => text.replace("password", "renamed"))).toThrow(refusal);
  });

  test("what is hidden as a whole stays whole", () => {
    const binary = {
      ...original,
      headers: Object.entries(json),
      body: bodyOf(Buffer.from([0x6b, 0xff, 0x73])),
    } as KubernetesRequest;
    const edited = { ...(shownOperation(binary, hide) as KubernetesRequest), path: `${secrets}/t` };
    expect(withHidden(edited, binary, hide)).toEqual({ ...binary, path: `${secrets}/t` });
  });
});
