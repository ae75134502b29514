/** Fifty rules as a company might have them; the ones that count for the bench let reading and uploading through, and hold refunds. */
export function fiftyHttpRules(): string {
  const others = Array.from({ length: 46 }, (_, n) =>
    n % 2 === 0
      ? `  - id: keep-out-${n}\n    when: http.path.startsWith("/internal/${n}/") && !http.readOnly\n    effect: deny\n`
      : `  - id: ask-first-${n}\n    when: http.method == "POST" && http.segments[0] == "accounts-${n}" && http.bodyBytes > 0\n    effect: review\n    role: writer\n    approval: { stages: [{ approvers: ["group:dba-oncall"] }] }\n`,
  );
  return `version: 1
rules:
  - id: reading-is-free
    when: http.readOnly
    effect: allow
    role: reader
  - id: uploads-are-free
    when: http.method == "PUT" && http.path == "/sink" && http.streamed
    effect: allow
    role: reader
  - id: refunds-wait
    when: http.method == "POST" && http.segments[0] == "refunds"
    effect: review
    role: writer
    approval: { stages: [{ approvers: ["group:dba-oncall"] }], expires: 1h }
  - id: never
    when: http.method == "DELETE"
    effect: deny
${others.join("")}`;
}
