/** A header field: name and value. */
export type Field = readonly [name: string, value: string];

/** Meant for the next hop only (RFC 9110 §7.6.1), or made anew for each hop: framing and the host. */
const perHop: ReadonlySet<string> = new Set(
  `connection keep-alive proxy-connection te trailer transfer-encoding upgrade http2-settings expect content-length host
  proxy-authenticate proxy-authorization proxy-authentication-info`.split(/\s+/),
);

/** What a client sent that is only on record. */
const removed = /^countersign-removed-/i;

/** What only the sidecar says to its clients. */
const ours = /^countersign-/;

/** The fields of a request that go on to the target. Those that `Connection` may name are among the per-hop ones: classification refuses others. */
export function fieldsForTarget(fields: readonly Field[]): readonly Field[] {
  // Without it the target may compress what the credential has to be looked for in.
  return fields.filter(
    ([name]) => !perHop.has(name.toLowerCase()) && name.toLowerCase() !== "accept-encoding" && !removed.test(name),
  );
}

/** The fields of a response that go on to the client; `Connection` takes away what it names. */
export function fieldsForClient(fields: readonly Field[]): readonly Field[] {
  const named = fields
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((option) => option.trim().toLowerCase()));
  const taken = new Set(named);
  return fields.filter(([given]) => {
    const name = given.toLowerCase();
    // Its length is known to the client; an advertised other way to the target would go past the sidecar (RFC 7838); our own words are ours.
    return name === "content-length" || !(perHop.has(name) || taken.has(name) || name === "alt-svc" || ours.test(name));
  });
}

/** Fields as undici gives them: names and values in turn. */
export function rawFields(raw: unknown): readonly Field[] {
  if (!Array.isArray(raw)) return [];
  const fields: Field[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) fields.push([textOf(raw[index]), textOf(raw[index + 1])]);
  return fields;
}

/** Bytes above ASCII have no known encoding (RFC 9110 §5.5): each is kept as a character. */
function textOf(part: unknown): string {
  return Buffer.isBuffer(part) ? part.toString("latin1") : String(part);
}
