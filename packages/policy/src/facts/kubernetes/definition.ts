import type { FactsOf, FactTable } from "../fact.ts";

/** Every fact about operations of this protocol. The CEL environment, the type {@link KubernetesFacts} and the documentation come from this table. */
export const kubernetesFacts = {
  verb: {
    type: "string",
    description:
      "As RBAC knows it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection` (legacy: `proxy`). `exec` is `get` or `create`, as it is sent. For a path that is no resource: the method in lower case.",
  },
  group: { type: "string", description: 'The API group, e.g. `apps`; `""` is the core group.' },
  version: { type: "string", description: "The API version, e.g. `v1`." },
  resource: { type: "string", description: 'The plural name, e.g. `pods`; `""` for a path that is no resource, see `path`.' },
  subresource: {
    type: "string",
    description:
      'What of the object, e.g. `log`, `scale`, `exec`; `""` for the object itself. An `allow` rule matches an operation with one only if its condition looks at this.',
  },
  namespace: {
    type: "string",
    description: 'The namespace; for the resource `namespaces` its own name; `""` when `allNamespaces` or no resource.',
  },
  name: {
    type: "string",
    description:
      'The object; `""` for a collection and for `create`. For `list` and `watch` what `fieldSelector=metadata.name=…` asks for.',
  },
  allNamespaces: {
    type: "bool",
    description: "A resource without a namespace: the collection in all namespaces, or an object of the whole cluster.",
  },
  path: { type: "string", description: "The decoded path without the query, e.g. `/healthz`." },
  labelSelector: { type: "string", description: 'Of `list`, `watch` and `deletecollection`; `""` = all.' },
  fieldSelector: { type: "string", description: 'Of `list`, `watch` and `deletecollection`; `""` = all.' },
  container: { type: "string", description: 'The container that `exec`, `attach` or `log` names; `""` = the default one.' },
  argv: {
    type: "list<string>",
    description:
      "What `exec` runs: the program and its arguments, in order, duplicates kept. An `allow` rule matches `exec` only if its condition looks at this.",
  },
  tty: { type: "bool", description: "A terminal is asked for." },
  stdin: { type: "bool", description: "Standard input is connected." },
  dryRun: {
    type: "bool",
    description:
      "A write of which nothing is stored. An API server behind the aggregator may not keep to it; `false` where it cannot be told.",
  },
  patchType: {
    type: "string",
    description:
      '`json`, `merge`, `strategic` or `apply` for the verb `patch`, else `""`. In a `json` patch the body is a list of changes, so that an `allow` rule matches one only if its condition looks at this.',
  },
  body: {
    type: "dyn",
    description:
      "The object that is sent, the patch, or the options of a `delete`; `null` when there is none or it was not read. Check with `has(kubernetes.body.spec)` before use: what is missing makes the rule deny.",
  },
  readOnly: {
    type: "bool",
    description: "Known to change nothing and to open no tunnel. Never true when `opaque` is.",
  },
  opaque: {
    type: "bool",
    description: "Not fully understood, see `doubts`. An `allow` rule does not match unless it says `opaque: true`.",
  },
  doubts: { type: "list<string>", description: "Why it is opaque, in words; empty when it is not." },
} as const satisfies FactTable;

/** What classification found out. Lists are sorted and without duplicates unless their description says otherwise. */
export type KubernetesFacts = FactsOf<typeof kubernetesFacts>;
