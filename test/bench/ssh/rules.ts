/** One rule for each kind of command that is measured; a command's program says which role it runs by. */
export const benchRules = `version: 1
rules:
  - id: by-a-key
    resources: [web-1]
    when: ssh.programs.exists(p, p in ["true", "head"]) && ssh.stdin in ["none", "streamed"] && ssh.file == ""
    effect: allow
    role: fixed
    limits: { bytes: 1GB }
  - id: by-a-certificate
    resources: [web-1]
    when: ssh.programs.exists(p, p == "id") && ssh.file == ""
    effect: allow
    role: operator
  - id: changes-need-a-human
    resources: [web-1]
    when: ssh.programs.exists(p, p in ["touch", "sleep"])
    effect: review
    role: operator
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
`;
