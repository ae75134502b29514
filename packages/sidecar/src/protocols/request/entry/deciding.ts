import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { CountersignError } from "@countersign/policy";
import type { NativeHost } from "../../../native/listener.ts";
import type { Refused } from "../../../native/verdict.ts";
import type { DispatchOptions } from "../../connector.ts";
import type { StreamedBody } from "../exchange.ts";
import { Answer } from "./answer.ts";
import type { ConnectionGates, GateTerms } from "./connection-gates.ts";
import type { ApiRequest, EntryKind } from "./entry-kind.ts";
import { pass } from "./passing.ts";
import { refuse } from "./refusal.ts";

/** What every request of a listener is decided with. */
export interface DecidingParts {
  readonly host: NativeHost;
  readonly kind: EntryKind;
  readonly gates: ConnectionGates;
}

/** What a client asks for on its connection. */
interface Asked {
  readonly operation: ApiRequest;
  /** Its body, where nobody looks at it. */
  readonly streamed: StreamedBody | undefined;
  readonly socket: Socket;
}

const promising: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** What becomes of a request whose client waits: passed on at once, held, or refused. */
export async function decide(
  { operation: asked, streamed, socket }: Asked,
  terms: GateTerms,
  response: ServerResponse,
  { host, kind, gates }: DecidingParts,
): Promise<void> {
  const form = kind.refusalForm;
  const byItself = () => {
    const call = { ...terms, operation: asked, session: "", durable: false };
    return host.guard.execute(call, new Answer(response, kind, { type: "open" }));
  };
  const why = kind.refuses?.(asked);
  if (why === undefined && kind.marksWrites && !promising.has(asked.method)) return byItself();
  const resource = host.resources.get(terms.resource);
  for (let isOver = false; !isOver; ) {
    const gate = gates.of(socket, terms);
    // Locked out: that is on record like every other refusal.
    if (gate === undefined) return byItself();
    const operation = streamed === undefined ? asked : { ...asked, connection: { id: gate.id } };
    if (why !== undefined) {
      const { requestId, failure } = await gate.native.refuse(operation, why);
      return refuse(response, { code: "invalid_operation", message: failure?.message ?? why, requestId }, form);
    }
    const judged = gate.native.judge(operation);
    const verdict = judged instanceof Promise ? await judged : judged;
    if (verdict.effect === "refuse") return refuse(response, streamed === undefined ? verdict : sized(verdict), form);
    if (verdict.effect === "hold" && streamed !== undefined) {
      const { requestId } = await gate.native.refuse(operation, unseen);
      return refuse(response, { code: unseen.code, message: unseen.message, requestId, rules: verdict.decision.rules }, form);
    }
    if (verdict.effect === "hold") return gate.native.follow(verdict, new Answer(response, kind, { type: "open" }));
    const { role, limits } = verdict.decision;
    const dispatch = (options: DispatchOptions) =>
      streamed === undefined || kind.streamsTo === undefined
        ? resource.connector.dispatch(operation, role, limits, options)
        : kind.streamsTo(resource).relay(operation, role, limits, options, streamed);
    isOver = await pass(verdict, { gate, journal: host.journal, response, form, dispatch });
  }
}

/** What no rule speaks of is too large: that is what its client can do something about. */
function sized(refused: Refused): Refused {
  if (refused.code !== "denied" || refused.rules.length > 0) return refused;
  const message = `Its body is larger than the 4 MiB that are looked at, and no rule allows that. ${refused.message}`;
  return { ...refused, code: "operation_too_large", message };
}

const unseen = new CountersignError(
  "operation_too_large",
  "Somebody has to agree to it, and nobody can look through a body of more than 4 MiB. Send less at once, or have it allowed by a rule (http.streamed).",
);
