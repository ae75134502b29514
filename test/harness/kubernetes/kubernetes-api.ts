import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { gzipSync } from "node:zlib";
import { type TestAuthority, testAuthority } from "../certificate.ts";
import { OwnServer } from "../own-server.ts";
import { type Asked, type Attributes, type Route, routeOf, type User } from "./asked.ts";
import { aggregatedType, discovered } from "./discovery.ts";
import { Logs } from "./logs.ts";
import { ApiError, type Fields } from "./object.ts";
import { impersonationNeeds, isAllowed } from "./rbac.ts";
import { listed, read } from "./reading.ts";
import { reviewKinds } from "./resource-kinds.ts";
import { reviewed, tokenFor } from "./reviews.ts";
import { ObjectStore } from "./store.ts";
import { impersonated, Users } from "./users.ts";
import { watch } from "./watching.ts";
import { bodyOf, write } from "./writing.ts";

/** How a server is started. */
export interface KubernetesApiOptions {
  /** Bearer tokens and whose they are. */
  readonly tokens?: Readonly<Record<string, User>>;
  /** Roles decide; otherwise everybody who is known may do everything. */
  readonly usesRbac?: boolean;
  /** The time, milliseconds. */
  readonly now?: () => number;
}

/** Takes over an upgraded connection; the request was authenticated, authorized and noted. */
export type TakeUpgrade = (asked: Asked, socket: Duplex, head: Buffer, api: KubernetesApi) => void;

interface Reply {
  readonly status: number;
  readonly body: Fields | string;
}

/** The name that its certificate is for. */
export const apiHost = "localhost";
/** A token of somebody who may do everything. */
export const adminToken = "admin-token-of-the-cluster";

/** An API server over TLS that keeps what it parsed; see README.md. */
export class KubernetesApi implements AsyncDisposable {
  /** Every request, refused ones too, in the order in which they were read. */
  readonly asked: Asked[] = [];
  readonly authority: TestAuthority;
  readonly store: ObjectStore;
  readonly users: Users;
  readonly logs = new Logs();
  /** What exec, attach and port-forward are taken over by; 403 without it. */
  takeUpgrade: TakeUpgrade | undefined;
  /** Asked before each answer: a test may answer itself (true), or break the connection off. */
  intercept: ((asked: Asked, response: ServerResponse) => boolean | Promise<boolean>) | undefined;
  readonly #usesRbac: boolean;
  #server: OwnServer | undefined;

  private constructor({ tokens = {}, usesRbac = false, now = Date.now }: KubernetesApiOptions) {
    this.authority = testAuthority(apiHost);
    this.store = new ObjectStore(now);
    const admin = { username: "admin", groups: ["system:masters"] };
    this.users = new Users({ [adminToken]: admin, ...tokens }, this.store, now);
    this.#usesRbac = usesRbac;
    this.store.seed(...["default", "kube-system", "shop"].map((name) => ({ kind: "Namespace", metadata: { name } })));
    this.store.seed({ kind: "ServiceAccount", metadata: { name: "default", namespace: "default" } });
  }

  static async start(options: KubernetesApiOptions = {}): Promise<KubernetesApi> {
    const api = new KubernetesApi(options);
    api.#server = await OwnServer.start({
      authority: api.authority,
      answer: (...one) => api.#hear(...one),
      upgrade: (...one) => api.#upgrade(...one),
    });
    return api;
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  /** Where it is. */
  get url(): string {
    return `https://${apiHost}:${this.port}`;
  }

  /** The last request. */
  get last(): Asked {
    const last = this.asked.at(-1);
    if (last === undefined) throw new Error("nothing reached the API server");
    return last;
  }

  /** Ends every connection under way. */
  cut(): void {
    this.#server?.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #hear(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    try {
      const asked = this.#admit(request, body);
      if ((await this.intercept?.(asked, response)) === true) return;
      const reply = this.#answer(asked, response);
      if (reply !== undefined) send(response, asked, reply);
    } catch (error) {
      refuse(error, response);
    }
  }

  /** Reads, notes, authenticates and authorizes. */
  #admit(request: IncomingMessage, body: Buffer): Asked {
    const { method = "", url = "", rawHeaders, headers } = request;
    const note = (route: Route, who: Pick<Asked, "user" | "impersonatedBy">) => {
      const asked = { method, url, rawHeaders, headers, body, ...route, ...who };
      this.asked.push(asked);
      return asked;
    };
    const nowhere = { path: url, query: new URLSearchParams(), attributes: undefined, kind: undefined };
    let route: Route | undefined;
    try {
      route = routeOf(method, url);
      const own = this.users.authenticated(request);
      const other = impersonated(request);
      const asked = note(route, other === undefined ? { user: own } : { user: other, impersonatedBy: own });
      const mayBe = (need: Attributes) => !this.#usesRbac || isAllowed(this.store, own, need);
      if (other !== undefined && !impersonationNeeds(other).every(mayBe))
        throw new ApiError(403, "Forbidden", `User "${own.username}" cannot impersonate "${other.username}"`);
      this.#authorize(asked);
      return asked;
    } catch (error) {
      if (error instanceof ApiError && error.code !== 403) note(route ?? nowhere, { user: undefined });
      throw error;
    }
  }

  #authorize({ user, attributes }: Asked): void {
    if (!this.#usesRbac || attributes === undefined || user === undefined) return;
    // Bound to everybody in every cluster (system:discovery, system:basic-user).
    if (/^selfsubject/.test(attributes.resource) || isAllowed(this.store, user, attributes)) return;
    const { verb, resource, subresource, group, namespace, name } = attributes;
    const what = `resource "${resource}${subresource && `/${subresource}`}" in API group "${group}"`;
    const shown = `${resource}${group && `.${group}`}${name && ` "${name}"`}`;
    const message = `${shown} is forbidden: User "${user.username}" cannot ${verb} ${what} in the namespace "${namespace}"`;
    throw new ApiError(403, "Forbidden", message, { name, group, kind: resource });
  }

  /** Nothing = it answers by itself, part by part. */
  #answer(asked: Asked, response: ServerResponse): Reply | undefined {
    const { attributes, kind, path, headers } = asked;
    if (attributes === undefined) return discovery(path, String(headers.accept ?? ""));
    if (kind === undefined) throw new ApiError(404, "NotFound", "the server could not find the requested resource");
    const { verb, namespace, name, subresource } = attributes;
    const asking = { store: this.store, users: this.users, usesRbac: this.#usesRbac };
    if (reviewKinds.includes(kind)) return { status: 201, body: reviewed(asked, bodyOf(asked), asking) };
    if (subresource === "token") return { status: 201, body: tokenFor(asked, bodyOf(asked), asking) };
    if (subresource === "log") {
      this.logs.answer(this.store.get(kind, namespace, name), asked, response);
      return undefined;
    }
    if (!["", "status", "scale"].includes(subresource)) throw new ApiError(400, "BadRequest", "Upgrade request required");
    if (verb === "list") return { status: 200, body: listed(this.store, kind, asked) };
    if (verb === "get") return { status: 200, body: read(this.store, kind, asked) };
    if (verb !== "watch") return write(this.store, kind, asked);
    watch(this.store, kind, asked, response);
    return undefined;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    try {
      const asked = this.#admit(request, Buffer.alloc(0));
      if (this.takeUpgrade === undefined) throw new ApiError(403, "Forbidden", "this server takes no upgrades");
      this.takeUpgrade(asked, socket, head, this);
    } catch (error) {
      const { code, status } = apiError(error);
      const body = JSON.stringify(status);
      const fields = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
      socket.end(`HTTP/1.1 ${code} Refused\r\n${fields}\r\n\r\n${body}`);
    }
  }
}

function apiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError(500, "InternalError", error instanceof Error ? (error.stack ?? "") : "");
}

function discovery(path: string, accept: string): Reply {
  const body = discovered(path, accept);
  if (body === undefined) throw new ApiError(404, "NotFound", "the server could not find the requested resource");
  return { status: 200, body };
}

function refuse(error: unknown, response: ServerResponse): void {
  const { code, status } = apiError(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify(status));
}

/** Long answers are compressed where that is accepted, as API servers do. */
function send(response: ServerResponse, { headers, method }: Asked, { status, body }: Reply): void {
  const isAggregated = typeof body !== "string" && body.kind === "APIGroupDiscoveryList";
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const zips = text.length > 128 * 1024 && /\bgzip\b/.test(String(headers["accept-encoding"] ?? ""));
  response.writeHead(status, {
    "content-type": isAggregated ? aggregatedType : typeof body === "string" ? "text/plain" : "application/json",
    ...(zips && { "content-encoding": "gzip", vary: "Accept-Encoding" }),
  });
  if (method === "HEAD") response.end();
  else response.end(zips ? gzipSync(text, { level: 1 }) : text);
}
