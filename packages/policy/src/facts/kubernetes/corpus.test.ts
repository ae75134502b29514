import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Body } from "../../action.ts";
import { CountersignError } from "../../outcome.ts";
import { classifyKubernetes, kubernetes } from "../kubernetes.ts";
import type { KubernetesFacts } from "./definition.ts";

interface Recorded {
  readonly command: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Body;
}

/** What kubectl sent; see corpora/kubectl/README.md. */
function recorded(name: string): readonly Recorded[] {
  const text = readFileSync(new URL(`../../../corpora/kubectl/${name}.jsonl`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line): Recorded => JSON.parse(line));
}

function classify({ method, path, headers, body }: Recorded): KubernetesFacts | string {
  try {
    return classifyKubernetes({ kind: "kubernetes.request", method, path, headers, ...(body ? { body } : {}) });
  } catch (error) {
    return error instanceof CountersignError ? error.message : `untyped: ${error}`;
  }
}

describe("over-holding: what ordinary kubectl reads come to", () => {
  const reads = recorded("reads");
  const facts = reads.map(classify);
  const held = reads.filter((_, index) => {
    const found = facts[index];
    return found === undefined || typeof found === "string" || found.opaque;
  });

  test("less than 1 % is opaque or refused, and the README says how much", () => {
    const share = `${held.length} of ${reads.length} requests (${((100 * held.length) / reads.length).toFixed(1)} %)`;
    const commands =
      readFileSync(new URL("../../../corpora/kubectl/reads.txt", import.meta.url), "utf8").match(/^[^#\n].*$/gm) ?? [];
    console.log(`kubectl reads that are opaque or refused: ${share}`);
    expect(reads.length).toBeGreaterThan(250);
    expect(new Set(reads.map(({ command }) => command)).size).toBeGreaterThan(100);
    expect(held.length / reads.length, held.map(({ command, path }) => `${command}: ${path}`).join("\n")).toBeLessThan(0.01);
    const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
    expect(readme).toContain(share);
    expect(readme).toContain(`for ${commands.length} ordinary read commands`);
  });

  test("all of them are reads, but for the dry runs of kubectl diff", () => {
    const others = reads.flatMap(({ command }, index) => {
      const found = facts[index];
      return typeof found === "object" && found.readOnly
        ? []
        : [[command.split(" ")[0], typeof found === "object" && found.dryRun]];
    });
    expect(others).toEqual([
      ["diff", true],
      ["diff", true],
    ]);
  });

  test("a rule for reads covers them", () => {
    const needed = new Set(facts.flatMap((found) => (typeof found === "object" ? (kubernetes.mustName?.(found) ?? []) : [])));
    expect([...needed].sort()).toEqual(["resource", "subresource"]);
  });
});

describe("changes and tunnels", () => {
  const writes = recorded("writes");
  const of = (command: string): readonly (KubernetesFacts | string)[] =>
    writes.filter((one) => one.command === command).map(classify);
  const said = (command: string): readonly string[] =>
    of(command).map((found) =>
      typeof found === "string"
        ? found.slice(0, 4)
        : `${kubernetes.summary(found)}${found.opaque ? " opaque" : ""}${found.dryRun ? " dry" : ""}`,
    );

  test.each([
    ["delete pod web-0 --wait=false", ["delete pods in default"]],
    ["delete pod web-0 --wait=false --dry-run=server", ["delete pods in default dry"]],
    ["scale deployment web-0 --replicas=5", ["patch deployments.apps/scale in default"]],
    ["create secret generic password --from-literal=a=1", ["create secrets in default opaque"]],
    ["create token default", ["create serviceaccounts/token in default opaque"]],
    ["certificate approve web-0", ["update certificatesigningrequests.certificates.k8s.io/approval opaque"]],
    ["exec web-0 -- ls -l /tmp", ["get pods/exec in default", "SPDY"]],
    ["exec web-0 -- sh -c id", ["get pods/exec in default opaque", "SPDY"]],
    ["exec -i web-0 -- cat", ["get pods/exec in default opaque", "SPDY"]],
    ["attach web-0", ["get pods/attach in default opaque", "SPDY"]],
    ["port-forward web-0 8080:80", ["get pods/portforward in default opaque", "SPDY"]],
    ["cp web-0:/etc/hosts /dev/null", ["get pods/exec in default", "SPDY"]],
    ["debug web-0 --image=busybox", ["patch pods/ephemeralcontainers in default opaque"]],
    ["get pods --as=admin --as-group=system:masters", ["The "]],
    ["get --raw /api/v1/nodes/node-1/proxy/metrics", ["get nodes/proxy opaque"]],
  ])("%s", (command, expected) => {
    // Reads that kubectl makes first are left out.
    expect(said(command).filter((one) => !/^(?:get|list) [a-z\d.]+(?: in default)?$/.test(one))).toEqual(expected);
  });

  test("none of them passes for a read unless kubectl only read", () => {
    for (const one of writes) {
      const found = classify(one);
      if (one.method !== "GET" && typeof found === "object") expect(found.readOnly, one.command).toBe(false);
    }
  });
});
