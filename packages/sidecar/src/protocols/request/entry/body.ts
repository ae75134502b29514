import type { IncomingMessage } from "node:http";

/** The body; of one that is larger a byte more than is taken, so that it is refused as such. */
export async function bodyUpTo(request: IncomingMessage, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  // What is not read here is read past, up to the end of the request, and then forgotten.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size > most) break;
  }
  return Buffer.concat(parts, Math.min(size, most + 1));
}
