import type { Event } from "@countersign/rpc";
import { Assembly } from "./assembly.ts";
import type { Connection, Opening } from "./connection.ts";
import { eventFromWire, type OutputEvent, outputFromWire, type RequestProgress } from "./event.ts";
import type { TypeParsers } from "./field-reader.ts";
import { Following, type Listener } from "./following.ts";
import type { Outcome } from "./outcome.ts";
import { losePatience, type Patience } from "./patience.ts";
import type { Source } from "./pull-stream.ts";
import type { RowMode } from "./row-reader.ts";

/** How a caller waits for a result. */
export interface Waiting extends Patience {
  /** Whether an abort of `signal` also cancels the request: at once while it is held, as a best effort while it runs. */
  cancelOnAbort?: boolean | undefined;
  /** Hears what happens to the request, e.g. to show where it waits for approval. What it throws ends the waiting. */
  onEvent?: ((event: RequestProgress) => void) | undefined;
}

/** How rows are made. */
export interface Shape {
  readonly mode: RowMode;
  readonly types: TypeParsers;
}

/** Follows a request as long as the caller has patience. */
export function follow(connection: Connection, opening: Opening, waiting: Waiting, listener: Listener): Source {
  const told = opening.type === "execute" ? "If the request was still held, it is cancelled." : "The request itself goes on.";
  const stop = losePatience(waiting, (impatience) => {
    const { requestId } = following;
    const error = impatience(requestId, told);
    following.abandon(error);
    if (waiting.cancelOnAbort && error.code === "aborted" && requestId !== "") void cancelUnheard(connection, requestId);
  });
  const following = new Following(connection, opening, {
    event(event) {
      if (event.event?.$case === "done") stop();
      if (waiting.onEvent !== undefined) tell(waiting.onEvent, event);
      listener.event(event);
    },
    failed(error) {
      stop();
      listener.failed(error);
    },
  });
  return {
    pause: () => following.pause(),
    resume: () => following.resume(),
    stop: () => {
      stop();
      following.stop();
    },
  };
}

/** Follows a request and gives its outcome with all rows. Rejects only when the outcome cannot be learned. */
export function awaitOutcome<Row>(
  connection: Connection,
  opening: Opening,
  shape: Shape,
  waiting: Waiting,
): Promise<Outcome<Row>> {
  const assembly = new Assembly<Row>(shape.mode, shape.types);
  const rows: Row[] = [];
  const output: OutputEvent[] = [];
  return new Promise((resolve, reject) => {
    follow(connection, opening, waiting, {
      event(event) {
        const chunk = assembly.take(event);
        const part = outputFromWire(event);
        if (chunk !== undefined) assembly.read(chunk, rows);
        else if (part !== undefined) output.push(part);
        else if (event.event?.$case === "done") resolve(assembly.outcome(event.event.value, event.requestId, rows, output));
      },
      failed: reject,
    });
  });
}

function tell(onEvent: (event: RequestProgress) => void, wire: Event): void {
  const event = eventFromWire(wire);
  if (event !== undefined) onEvent(event);
}

/** The caller has gone already; whether the cancel came in time is for the next look at the request to say. */
async function cancelUnheard(connection: Connection, requestId: string): Promise<void> {
  try {
    await connection.unary((client, metadata, done) => client.cancel({ requestId }, metadata, done));
  } catch {
    // Ended in the same moment, or out of reach: nothing is left to be done here.
  }
}
