import { HttpUpstream } from "./http-upstream.ts";
import { Instance } from "./instance.ts";

/** Reading is free, refunds wait for a person, deleting never happens. */
const httpPolicy = `version: 1
rules:
  - id: reading-is-free
    resources: [billing]
    when: http.readOnly
    effect: allow
    role: reader
  - id: events
    resources: [billing]
    when: http.events && http.segments[0] == "events"
    effect: allow
    role: reader
  - id: small-changes
    resources: [billing]
    when: http.method == "POST" && http.path == "/echo"
    effect: allow
    role: reader
  - id: refunds-need-a-human
    resources: [billing]
    when: http.method == "POST" && http.segments[0] == "refunds"
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: never
    resources: [billing]
    when: http.method == "DELETE"
    effect: deny
    message: Ask the billing team.
`;

/** The target's credential, which nobody else may see. */
export const targetToken = "t0ken-of-the-target";

/** An instance with one HTTP API. */
export interface HttpWorld extends AsyncDisposable {
  readonly upstream: HttpUpstream;
  readonly instance: Instance;
  readonly origin: string;
}

/** Starts both. */
export async function httpWorld(
  config = "",
  files: Readonly<Record<string, string>> = {},
  policy = httpPolicy,
): Promise<HttpWorld> {
  await using parts = new AsyncDisposableStack();
  const upstream = parts.use(await HttpUpstream.start());
  const origin = `http://127.0.0.1:${upstream.port}`;
  const resource = `  - name: billing
    type: http
    origin: ${origin}
    tls: disable
    allowPrivate: true
    roles:
      reader: { bearer: { file: token } }
      writer: { header: { name: x-api-key, value: { file: token } } }
`;
  const options = { policy, config: `${resource}${config}`, files: { token: targetToken, ...files } };
  const instance = parts.use(await Instance.start(options));
  const all = parts.move();
  return { upstream, instance, origin, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
