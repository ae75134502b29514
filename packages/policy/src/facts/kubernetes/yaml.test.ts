import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { classifyKubernetes } from "../kubernetes.ts";

function apply(text: string, type = "application/apply-patch+yaml") {
  const path = "/apis/apps/v1/namespaces/a/deployments/web?fieldManager=x";
  return classifyKubernetes({
    kind: "kubernetes.request",
    method: "PATCH",
    path,
    headers: [["Content-Type", type]],
    body: { text },
  });
}

test("YAML with one reading is read", () => {
  const facts = apply(`---
# what people write
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {"app": 'web', tier: front-end}}
spec:
  replicas: 3
  ratio: 0.5
  paused: false
  strategy: null
  empty:
  image: registry.example:5000/web:1.2.3@sha256:0a
  cpu: 100m
  address: 10.0.0.1/8
  args: ["--yes", "on", -v, http]
  quoted: "yes"
  text: |
    a: b
    - c
`);
  expect(facts.doubts).toEqual([]);
  expect(facts.body).toEqual({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", labels: { app: "web", tier: "front-end" } },
    spec: {
      replicas: 3,
      ratio: 0.5,
      paused: false,
      strategy: null,
      empty: null,
      image: "registry.example:5000/web:1.2.3@sha256:0a",
      cpu: "100m",
      address: "10.0.0.1/8",
      args: ["--yes", "on", "-v", "http"],
      quoted: "yes",
      text: "a: b\n- c\n",
    },
  });
});

describe("YAML is not looked into", () => {
  test.each([
    ...["hostNetwork: yes", "hostNetwork: on", "hostNetwork: Y", "hostNetwork: True", "hostNetwork: TRUE", "yes: 1", "on: x"],
    ...[
      "replicas: 010",
      "replicas: 0o10",
      "replicas: 0x10",
      "replicas: 0b11",
      "replicas: 1_000",
      "replicas: +1",
      "replicas: 1:20",
    ],
    ...[
      "replicas: 1e3",
      "replicas: .5",
      "replicas: 5.",
      "replicas: .inf",
      "replicas: -.INF",
      "replicas: .NaN",
      "replicas: 190:20:30",
    ],
    ...[
      "replicas: 9007199254740993",
      "replicas: 2001-12-14",
      "replicas: 2001-12-14t21:59:43.10-05:00",
      "a: ~",
      "a: Null",
      "a: =",
    ],
    ...[
      "a: &x 1\nb: *x",
      "a: &x 1",
      "a: !!str 1",
      "a: !!binary aaaa",
      "a: !x 1",
      "<<: {a: 1}",
      "a: {<<: {b: 1}}",
      "1: a",
      "? [a]\n: b",
    ],
    ...[
      "a: 1\na: 2",
      "a: 1\n---\na: 2",
      "%YAML 1.1\n---\na: 1",
      "a:\tb",
      "a: b\u0085c: d",
      "a: b\u2028c",
      "\ufeffa: 1",
      '{"a":"b\u0085c"}',
      '{"a":"b\u2028c"}',
    ],
    ...["a: {b:1}", "a: [b:c]", "{a: 1}", "a: [", "a: b: c", "@a", '{"<<": {"spec": {}}}', '{"a":1,"a":2}', "spec: {a: 1, A: 2}"],
    ...[
      `a: ${"[".repeat(70)}${"]".repeat(70)}`,
      Array.from({ length: 600 }, (_, index) => `k${index}: 1`).join("\n"),
      "a: 1\n".padEnd(5000, "#"),
    ],
  ])("%j", (text) => {
    expect(apply(text).opaque).toBe(true);
  });

  test("in another charset, or without one it says plainly", () => {
    for (const type of ["application/apply-patch+yaml; charset=utf-16", "application/apply-patch+yaml; a=b"])
      expect(apply("a: 1", type).opaque).toBe(true);
    expect(apply("a: 1", "application/apply-patch+yaml; charset=UTF-8").opaque).toBe(false);
  });
});

test("what is read is what the API server's own reader makes of it", () => {
  const lines = readFileSync(new URL("../../../corpora/kubectl/yaml.jsonl", import.meta.url), "utf8")
    .trimEnd()
    .split("\n");
  let read = 0;
  for (const line of lines) {
    const [text, answer]: [string, string | null] = JSON.parse(line);
    const body = bodyOf(text);
    // What that reader takes for a mistake does no harm.
    if (body === undefined || answer === null) continue;
    expect(JSON.parse(JSON.stringify(body)), text).toEqual(JSON.parse(answer));
    read += 1;
  }
  expect(lines.length).toBeGreaterThan(1500);
  expect(read).toBeGreaterThan(700);
});

/** The body, unless it is refused or not looked into. */
function bodyOf(text: string): unknown {
  try {
    const facts = apply(text);
    return facts.opaque ? undefined : facts.body;
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}
