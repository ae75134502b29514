import { DocumentError } from "@countersign/policy";
import { describe, expect, test } from "vitest";
import { checkConfig } from "./load.ts";

const file = "/etc/cs/countersign.yaml";

function problems(text: string): string[] {
  try {
    checkConfig(file, text);
  } catch (error) {
    if (error instanceof DocumentError) return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
    throw error;
  }
  return [];
}

const resource = `version: 1
resources:
  - name: orders-db
    type: postgres
    address: 127.0.0.1:5432
    database: orders
    tls: disable
    roles:
      reader: { user: r, password: { env: R } }
`;

test("what is not written has its default, and paths start at the file's folder", () => {
  const config = checkConfig(file, "version: 1\n");
  expect(config.data).toBe("/etc/cs/countersign-data");
  expect(config.path("policy.yaml")).toBe("/etc/cs/policy.yaml");
  expect(config.settings).toMatchObject({
    policy: "policy.yaml",
    sidecar: { name: "local", listen: [{ unix: "agent.sock", principal: { subject: "local-agent", groups: [] } }] },
    identity: { development: true, issuers: [] },
    control: { listen: "127.0.0.1:0", approver: "approver.sock" },
    audit: { fsync: "default" },
    resources: [],
  });
  expect(checkConfig(file, "version: 1\n", "/var/lib/cs").data).toBe("/var/lib/cs");
});

describe("mistakes are told with their place and what is expected", () => {
  test.each([
    ["", "1:1 found nothing, expected a mapping"],
    ["version: 2\n", "1:10 found 2, expected 1"],
    ["version: 1\nresource: []\n", '2:1 unknown key "resource"; did you mean "resources"?'],
    [
      "version: 1\naudit: { fsync: allways }\n",
      '2:17 found the text "allways", expected default or always; did you mean "always"?',
    ],
    ["version: 1\nlimits:\n  statementBytes: 10\n", "3:19 Too small: expected number to be >=1024"],
    ["version: 1\ncontrol:\n  listen: 0.0.0.0:8080\n", /^3:11 expected `127\.0\.0\.1:PORT`: the console has no TLS yet/],
    ["version: 1\nsidecar:\n  name: control\n", /^3:9 expected another name/],
    [
      "version: 1\nsidecar:\n  listen:\n    - tcp: 0.0.0.0:7443\n",
      "4:12 a `tcp` listener needs `tls: { cert: FILE, key: FILE }`",
    ],
    [
      "version: 1\nsidecar:\n  postgres:\n    - tcp: 0.0.0.0:5432\n",
      /^4:12 agents send their token as the password, so a `tcp` listener that others can reach needs `tls/,
    ],
    ["version: 1\nsidecar:\n  postgres:\n    - tcp: localhost:5432\n", /^4:12 agents send their token/],
    [
      "version: 1\nsidecar: { postgres: [{ tcp: '127.0.0.1:5432', principal: { subject: a } }] }\n",
      /only a `unix` listener has a `principal`/,
    ],
    ["version: 1\nsidecar: { postgres: [{ principal: { subject: a } }] }\n", /needs `unix: FOLDER` or `tcp: HOST:PORT`/],
    ["version: 1\nsidecar: { kubernetes: [{ tcp: '0.0.0.0:6443' }] }\n", /say what clients call this machine: `names:/],
    ["version: 1\nsidecar: { kubernetes: [{ tcp: 'h:1', tls: { cert: a } }] }\n", /`cert` and `key` belong together/],
    ["version: 1\nsidecar: { kubernetes: [{ tcp: 'h:1', tls: { ca: a } }] }\n", /`ca` says who signed `cert`/],
    ["version: 1\nsidecar: { kubernetes: [{ tcp: 'h:1', names: ['a b'] }] }\n", /expected a host name in small letters/],
    ["version: 1\nsidecar: { postgres: [{ unix: pg, tls: { cert: a, key: b } }] }\n", /only a `tcp` listener has `tls`/],
    [
      "version: 1\nsidecar: { listen: [{ tls: { cert: a, key: b } }] }\n",
      "2:21 a listener needs `unix: PATH` or `tcp: HOST:PORT`",
    ],
    [
      "version: 1\nidentity:\n  issuers:\n    - { issuer: https://a.example, audience: cs, algorithms: [HS256] }\n",
      /^4:63 found the text "HS256", expected RS256 or /,
    ],
    ["version: 1\napprovers: [{ name: al }, { name: al }]\n", '2:35 another name: "al" is taken by an earlier one'],
    [
      "version: 1\napprovers: [{ name: al, accounts: [al@x] }, { name: bo, accounts: [b, al@x] }]\n",
      '2:71 another name: "al@x" is taken by an earlier one',
    ],
    [
      "version: 1\napprovers: [{ name: al, accounts: [bo] }, { name: bo }]\n",
      '2:51 another name: "bo" is taken by an earlier one',
    ],
    [resource.replace("roles", "rolls"), /^8:5 unknown key "rolls"; did you mean "roles"\?$/],
    [resource.replace("postgres", "mysql"), /^4:11 found the text "mysql", expected /],
    ['version: 1\ndata: "x\n', /^3:1 not valid YAML: Missing closing/],
  ])("%j", (text, expected) => {
    const found = problems(text);
    if (typeof expected === "string") expect(found).toContain(expected);
    else expect(found).toContainEqual(expect.stringMatching(expected));
  });
});

test("a password in the file is refused, with the ways to give one, and never quoted", () => {
  const [problem, ...others] = problems(resource.replace("{ env: R }", "hunter2"));
  expect(others).toEqual([]);
  expect(problem).toMatch(/^9:36 a secret cannot be written here.*env: NAME.*file: PATH.*store: NAME/);
  expect(problem).not.toContain("hunter2");
});
