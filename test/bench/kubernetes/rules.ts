/** Fifty rules as a company might have them; the ones that count for the bench let reading and one command through. */
export function fiftyKubernetesRules(): string {
  const others = Array.from({ length: 47 }, (_, n) =>
    n % 2 === 0
      ? `  - id: keep-out-${n}\n    when: kubernetes.namespace == "team-${n}" && !kubernetes.readOnly\n    effect: deny\n`
      : `  - id: ask-first-${n}\n    when: kubernetes.resource == "deployments" && kubernetes.namespace == "ledger-${n}" && kubernetes.verb in ["update", "patch"]\n    effect: review\n    role: writer\n    approval: { stages: [{ approvers: ["group:dba-oncall"] }] }\n`,
  );
  return `version: 1
rules:
  - id: reading-is-free
    when: kubernetes.readOnly && kubernetes.subresource in ["", "log"] && kubernetes.resource != "secrets"
    effect: allow
    role: reader
  - id: a-small-command
    when: kubernetes.subresource == "exec" && kubernetes.argv == ["echo", "hi"]
    effect: allow
    role: reader
  - id: never
    when: kubernetes.verb == "deletecollection"
    effect: deny
${others.join("")}`;
}
