import fc from "fast-check";
import { expect, test } from "vitest";
import type { Body, KubernetesRequest } from "../../action.ts";
import { CountersignError } from "../../outcome.ts";
import { loadPolicy } from "../../policy.ts";
import { classifyKubernetes } from "../kubernetes.ts";
import type { KubernetesFacts } from "./definition.ts";

const rules = [
  `{ id: reads, effect: allow, when: 'kubernetes.readOnly && kubernetes.subresource in ["", "log"] && kubernetes.resource != "secrets"' }`,
  `{ id: looks, effect: allow, when: 'kubernetes.subresource == "exec" && kubernetes.argv.size() > 0 && kubernetes.argv[0] in ["ls", "cat"]' }`,
  `{ id: scales, effect: allow, when: 'kubernetes.subresource == "scale" && has(kubernetes.body.spec.replicas) && kubernetes.body.spec.replicas < 5' }`,
  `{ id: changes, effect: review, when: '!kubernetes.readOnly && kubernetes.namespace == "dev"', approval: { stages: [{ approvers: ["group:ops"] }] } }`,
  `{ id: never, effect: deny, when: 'kubernetes.resource == "secrets" || kubernetes.verb == "deletecollection"' }`,
];
const policyOf = (list: readonly string[]) =>
  loadPolicy({ "p.yaml": `version: 1\nrules:\n${list.map((rule) => `  - ${rule}\n`).join("")}` });
const policy = policyOf(rules);
const everything = policyOf(['{ id: all, effect: allow, when: "true" }']);

const strictness = { allow: 0, review: 1, deny: 2 };

function decide(facts: KubernetesFacts, by = policy) {
  return by.decide({
    resource: { name: "cluster", type: "kubernetes", labels: {}, roles: ["agent"] },
    principal: { issuer: "i", subject: "s", groups: [], claims: {} },
    facts: { protocol: "kubernetes", kubernetes: facts },
    reason: "",
    nowMs: 0,
  });
}

/** Facts, or nothing where the request is refused. Anything but the typed error fails the test. */
function ask(method: string, path: string, headers: KubernetesRequest["headers"] = [], body?: Body): KubernetesFacts | undefined {
  try {
    return classifyKubernetes({ kind: "kubernetes.request", method, path, headers, ...(body ? { body } : {}) });
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

/** How strictly a request is treated; a refusal is as strict as a denial. */
function strict(method: string, path: string): number {
  const facts = ask(method, path, method === "PATCH" ? [["content-type", "application/merge-patch+json"]] : []);
  return facts === undefined ? strictness.deny : strictness[decide(facts).effect];
}

const method = fc.constantFrom("GET", "GET", "POST", "PUT", "PATCH", "DELETE");
const path = fc
  .tuple(
    fc.constantFrom("/api/v1", "/apis/apps/v1", "/api/v1/watch", "/api/v1/proxy", "/apis/rbac.authorization.k8s.io/v1"),
    fc.constantFrom("", "/namespaces/dev", "/namespaces/prod", "/namespaces/dev/status"),
    fc.constantFrom("", "/pods", "/secrets", "/deployments", "/roles", "/nodes"),
    fc.constantFrom("", "/web-0"),
    fc.constantFrom("", "/log", "/exec", "/attach", "/proxy", "/scale", "/token", "/status"),
    fc.constantFrom("", "?watch=1", "?command=ls", "?command=ls&command=-l", "?command=sh&command=-c", "?dryRun=All", "?limit=5"),
  )
  .map((parts) => parts.join(""));

test("random bytes throw nothing but the typed error, and a rule that allows everything allows nothing of them", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.string().map((one) => `/${one}`),
    path,
  );
  const body = fc.option(
    fc.oneof(fc.record({ text: fc.string() }), fc.record({ binary: fc.base64String() }), fc.record({ text: fc.json() })),
  );
  const headers = fc.array(
    fc.tuple(
      fc.oneof(fc.string(), fc.constantFrom("Content-Type", "Upgrade")),
      fc.oneof(fc.string(), fc.constantFrom("application/json", "application/yaml")),
    ),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(fc.oneof(method, fc.string()), text, headers, body, (verb, target, sent, bytes) => {
      const facts = ask(verb, target, sent, bytes ?? undefined);
      if (facts === undefined || decide(facts, everything).effect !== "allow") return;
      expect(facts.opaque).toBe(false);
      expect(facts.path).toMatch(/^\/(?:api|apis|$|version|metrics|healthz|livez|readyz|openapi)/);
    }),
    { numRuns: 1000 },
  );
});

test("random bytes below a known path never reach anything that is not what it says", () => {
  fc.assert(
    fc.property(method, fc.string({ unit: "binary", maxLength: 12 }), fc.string({ maxLength: 12 }), (verb, bytes, more) => {
      const facts = ask(verb, `/api/v1/namespaces/dev/pods/${bytes}${more}`);
      if (facts === undefined) return;
      expect(facts.namespace === "dev" || facts.resource === "namespaces" || facts.resource === "").toBe(true);
      expect(facts.path.startsWith("/api/v1/namespaces/dev/pods")).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("percent-encoding never relaxes a decision, nor changes what is asked", () => {
  fc.assert(
    fc.property(method, path, fc.nat(), fc.boolean(), (verb, target, seed, lower) => {
      const [sent = "", query] = target.split("?");
      const at = 1 + (seed % Math.max(1, sent.length - 1));
      const code = sent.charCodeAt(at).toString(16).padStart(2, "0");
      const encoded = `${sent.slice(0, at)}%${lower ? code : code.toUpperCase()}${sent.slice(at + 1)}${query === undefined ? "" : `?${query}`}`;
      if (at >= sent.length) return;
      expect(strict(verb, encoded)).toBeGreaterThanOrEqual(strict(verb, target));
      const facts = ask(verb, encoded);
      if (facts)
        expect({ ...facts, doubts: [], opaque: false, readOnly: false }).toEqual({
          ...ask(verb, target),
          doubts: [],
          opaque: false,
          readOnly: false,
        });
    }),
    { numRuns: 1000 },
  );
});

test("case, doubled slashes, dots and a slash at the end never relax a decision", () => {
  const spoil = fc.constantFrom(
    (text: string) => text.toUpperCase(),
    (text: string) => text.replace("secrets", "Secrets"),
    (text: string) => text.replace("/namespaces", "/Namespaces"),
    (text: string) => text.replace("/", "//"),
    (text: string) => text.replace(/\/(?=[^/]*$)/, "/./"),
    (text: string) => text.replace(/\/(?=[^/]*$)/, "/x/../"),
    (text: string) => `${text}/`,
    (text: string) => `${text};x`,
    (text: string) => `${text}%20`,
  );
  fc.assert(
    fc.property(method, path, spoil, (verb, target, change) => {
      const [sent = "", query] = target.split("?");
      const spoiled = `${change(sent)}${query === undefined ? "" : `?${query}`}`;
      if (spoiled !== target)
        expect(strict(verb, spoiled)).toBeGreaterThanOrEqual(Math.min(strictness.review, strict(verb, target)));
      if (spoiled.toLowerCase().includes("secrets") && spoiled !== target && verb !== "GET")
        expect(strict(verb, spoiled)).toBeGreaterThan(0);
    }),
    { numRuns: 1000 },
  );
});

test("what is refused or denied stays so, whatever is added to the query", () => {
  const pair = fc.constantFrom(
    "watch=0",
    "watch=1",
    "dryRun=All",
    "command=ls",
    "stdin=0",
    "tty=0",
    "limit=1",
    "fieldSelector=metadata.name%3Da",
    "x",
    "&",
    "pretty=1",
  );
  fc.assert(
    fc.property(method, path, pair, (verb, target, added) => {
      const before = strict(verb, target);
      if (before === strictness.deny) {
        const after = strict(verb, `${target}${target.includes("?") ? "&" : "?"}${added}`);
        // exec of nothing is refused; with a command it is something else.
        if (!target.includes("/exec")) expect(after).toBe(strictness.deny);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a shell stays opaque behind whatever runs it", () => {
  const wrapper = fc.constantFrom(
    ["env"],
    ["env", "A=1"],
    ["nice", "-n", "5"],
    ["timeout", "5"],
    ["xargs"],
    ["/usr/bin/sudo", "-u", "x"],
    ["busybox"],
    ["nohup"],
    ["ld.so"],
  );
  fc.assert(
    fc.property(fc.array(wrapper, { maxLength: 3 }), fc.constantFrom("sh", "bash", "python3"), (wrappers, shell) => {
      const argv = [...wrappers.flat(), shell, "-c", "id"];
      const query = argv.map((word) => `command=${encodeURIComponent(word)}`).join("&");
      expect(ask("GET", `/api/v1/namespaces/dev/pods/web-0/exec?${query}`)?.opaque).toBe(true);
    }),
  );
});

test("the order of rules decides nothing", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(rules, { minLength: rules.length }), method, path, (shuffled, verb, target) => {
      const facts = ask(verb, target);
      if (facts) expect(decide(facts, policyOf(shuffled)).effect).toBe(decide(facts).effect);
    }),
    { numRuns: 50 },
  );
});

test("facts are frozen deeply, plain JSON, and the same for a copy", () => {
  const headers: [string, string][] = [["Content-Type", "application/json"]];
  const body = { text: '{"spec":{"list":[{"a":1}]}}' };
  const facts = ask("POST", "/api/v1/namespaces/dev/pods", headers, body);
  const again = ask("POST", "/api/v1/namespaces/dev/pods", [...headers], { ...body });
  expect(again).toBe(facts);
  expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  const frozen = (value: unknown): boolean =>
    typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  expect(frozen(facts)).toBe(true);
});
