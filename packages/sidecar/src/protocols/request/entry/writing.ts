import type { ServerResponse } from "node:http";

/** Writes a part of a body. A promise means: the client is slower than the target, wait. It is also fulfilled when the client has gone. */
export function writePart(response: ServerResponse, data: Uint8Array): undefined | Promise<void> {
  if (response.destroyed || response.write(data)) return undefined;
  return new Promise((resolve) => {
    const go = () => {
      response.off("drain", go).off("close", go);
      resolve();
    };
    response.on("drain", go).on("close", go);
  });
}
