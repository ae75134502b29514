import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { classifyKubernetes } from "../kubernetes.ts";

/** What k8s.io/apiserver itself answered; see corpora/kubectl/README.md. */
const cases = readFileSync(new URL("../../../corpora/kubectl/request-info.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line): [string, string, readonly unknown[] | null] => JSON.parse(line));

/** What we refuse, although RBAC would be asked about it; the API server answers most of it with an error later. */
const stricter =
  /^(?:A path with \/watch\/ |A value in fieldSelector |The parameter watch is neither|(?:Exec|Attach|Portforward) (?:takes GET|has no parameter))/;

function ask(method: string, path: string): readonly unknown[] | string {
  const headers: [string, string][] = method === "PATCH" ? [["content-type", "application/merge-patch+json"]] : [];
  try {
    const facts = classifyKubernetes({ kind: "kubernetes.request", method, path, headers });
    const { verb, group, version, resource, subresource, namespace, name, fieldSelector, labelSelector } = facts;
    return [
      resource !== "",
      verb,
      group,
      version,
      resource,
      subresource,
      namespace,
      name,
      fieldSelector,
      labelSelector,
      facts.path,
    ];
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== "invalid_operation") throw error;
    return error.message;
  }
}

describe("k8s-path: the same facts as kube-apiserver", () => {
  test("for all requests that its own code was asked about", () => {
    let agreed = 0;
    for (const [method, path, expected] of cases) {
      const answer = ask(method, path);
      if (expected === null) expect(answer, path).toMatch(/names nothing to/);
      else if (typeof answer === "string") expect(answer, `${method} ${path}`).toMatch(stricter);
      else {
        expect(answer, `${method} ${path}`).toEqual(expected);
        agreed += 1;
      }
    }
    expect(cases.length).toBe(2000);
    expect(agreed).toBeGreaterThan(1700);
  });
});
