import { HttpUpstream } from "./http-upstream.ts";
import { Instance } from "./instance.ts";

/** What the target knows of a customer that agents do not see. */
export const secretEmail = "carol.secret@example.com";

const policy = `version: 1
rules:
  - id: customers-without-their-addresses
    when: http.operation in ["GetCustomer", "ListCustomers", "GetRepository"]
    effect: allow
    role: reader
    limits: { masks: ["/**/email"] }
  - id: refunds-need-a-human
    when: http.operation == "CreateRefund"
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: asking-for-who-i-am
    when: http.graphql.kind == "query" && http.graphql.fields.all(f, f in ["viewer"])
    effect: allow
    role: reader
    limits: { masks: ["/data/viewer/email"] }
  - id: stars-need-a-human
    when: http.graphql.kind == "mutation" && http.graphql.fields == ["addStar"]
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: too-wide
    description: Covers queries alone, as it does not look at what a mutation would do.
    when: http.path == "/graphql"
    effect: allow
    role: reader
`;

const document = `openapi: 3.1.0
info: { title: A shop, version: "1" }
servers: [{ url: /v1 }]
paths:
  /customers: { get: { operationId: ListCustomers } }
  /customers/{customer}:
    get: { operationId: GetCustomer }
    delete: { operationId: DeleteCustomer }
  /refunds: { post: { operationId: CreateRefund } }
  /repos/{owner}/{repo}: { get: { operationId: GetRepository } }
`;

/** An instance with an API that an OpenAPI document and a GraphQL path describe. */
export interface HttpApiWorld extends AsyncDisposable {
  readonly upstream: HttpUpstream;
  readonly instance: Instance;
  readonly origin: string;
  /** Of a listener for it. */
  readonly base: string;
  /** An agent's. */
  readonly token: string;
}

/** Starts both. */
export async function httpApiWorld(): Promise<HttpApiWorld> {
  await using parts = new AsyncDisposableStack();
  const upstream = parts.use(await HttpUpstream.start());
  const origin = `http://127.0.0.1:${upstream.port}`;
  const config = `  - name: shop
    type: http
    origin: ${origin}
    tls: disable
    allowPrivate: true
    openapi: [shop.yaml]
    graphql: /graphql
    roles: { reader: { bearer: { file: token } }, writer: { bearer: { file: token } } }
sidecar:
  http: [{ tcp: "127.0.0.1:0", resource: shop }]
`;
  const files = { "shop.yaml": document, token: "t0ken-of-the-target" };
  const instance = parts.use(await Instance.start({ policy, config, files }));
  const token = (await instance.cli("token", "--subject", "robot")).stdout.trim();
  const base = instance.at.http[0]?.url ?? "";
  const all = parts.move();
  return { upstream, instance, origin, base, token, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
