import { CountersignError } from "@countersign/policy";
import type { FastifyInstance } from "fastify";
import { sendProblem } from "./problem.ts";

/** The header that the console sends with every change; a form or an image cannot. */
const changeHeader = "x-countersign";

/**
 * Lets only the console's own page use the API.
 *
 * - The Host header has to name this server: a page whose name was re-bound to 127.0.0.1 (DNS rebinding) sends its own name.
 * - A change needs a matching Origin and a header that only a script of the same origin can set (CSRF). SameSite alone is not enough: pages
 *   on other ports of 127.0.0.1 are the same site, and get the cookie too.
 * - A browser that says that a read comes from elsewhere is refused as well.
 */
export function requireSameOrigin(app: FastifyInstance, hosts: () => readonly string[]): void {
  app.addHook("onRequest", async (request, reply) => {
    const { host = "", origin } = request.headers;
    if (!hosts().includes(host)) {
      return sendProblem(reply, new CountersignError("invalid_request", "This server does not answer to that host name."), 421);
    }
    if (!/^\/api(\/|\?|$)/.test(request.url)) return;
    reply.header("cache-control", "no-store");
    const site = request.headers["sec-fetch-site"];
    const elsewhere = site !== undefined && site !== "same-origin" && site !== "none";
    const change = request.method !== "GET" && request.method !== "HEAD";
    const foreign = origin !== undefined ? origin !== `http://${host}` : change;
    if (elsewhere || foreign || (change && request.headers[changeHeader] !== "console")) {
      return sendProblem(reply, new CountersignError("invalid_request", "Only the console's own page may do this."), 403);
    }
  });
}
