import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Asked } from "../asked.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { ApiError, type ApiObject, listOf, textOf } from "../object.ts";
import { runAttach } from "./attach.ts";
import { Channels } from "./channels.ts";
import { runExec } from "./exec.ts";
import { forwardByChannels } from "./forward-channels.ts";
import { forwardBySpdy } from "./forward-spdy.ts";
import type { PodSession } from "./pod-session.ts";

/** The SPDY that kubectl tunnels through a WebSocket for port-forward (KEP-4006). */
const tunnel = "SPDY/3.1+portforward.k8s.io";
const channelVersions = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/** What takes the upgrades of a {@link KubernetesApi}: `api.takeUpgrade = sessions.take`. */
export class PodSessions {
  /** Every session that was begun, in order. */
  readonly begun: PodSession[] = [];
  /** The versions of remotecommand that it speaks, the best first. */
  speaks: readonly string[] = channelVersions;
  /** Answers a session itself (true), instead of running it. */
  intercept: ((session: PodSession, channels: Channels) => boolean) | undefined;
  /** Asked before the upgrade is answered. */
  beforeUpgrade: (() => Promise<void>) | undefined;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols: () => this.#protocol });
  #protocol = "";

  constructor() {
    // ws takes this name for no token (RFC 6455 §4.1), so that it is neither read nor written by it.
    this.#sockets.on("headers", (headers) => {
      if (this.#protocol === tunnel) headers.push(`Sec-WebSocket-Protocol: ${tunnel}`);
    });
  }

  readonly take = (asked: Asked, socket: Duplex, head: Buffer, api: KubernetesApi): void => {
    const { attributes, kind, query } = asked;
    if (attributes?.resource !== "pods" || kind === undefined) throw new ApiError(400, "BadRequest", "no such stream");
    const { subresource, namespace, name } = attributes;
    const pod = api.store.get(kind, namespace, name);
    const protocol = this.#spoken(asked, subresource);
    const isTrue = (flag: string) => ["1", "true"].includes(query.get(flag) ?? "");
    const about = {
      ...{ subresource, namespace, pod: name, uid: pod.metadata.uid, protocol, user: asked.user?.username ?? "" },
      ...{ container: subresource === "portforward" ? "" : containerOf(pod, query.get("container") ?? "") },
      ...{ argv: query.getAll("command"), tty: isTrue("tty"), takesInput: isTrue("stdin") },
      ...{ input: [], inputEnded: false, sizes: [], ports: [], gone: false },
    };
    const forwarded = query.getAll("ports").flatMap((one) => one.split(",").map(Number));
    const upgrade = () => {
      this.#protocol = protocol;
      const { "sec-websocket-protocol": _, ...rest } = asked.headers;
      const headers = protocol === tunnel ? rest : asked.headers;
      const request = { method: asked.method, url: asked.url, headers, socket } as unknown as IncomingMessage;
      this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#begin({ ...about, socket: opened }, forwarded));
    };
    if (this.beforeUpgrade === undefined) upgrade();
    else void this.beforeUpgrade().then(upgrade);
  };

  #begin(session: PodSession, forwarded: readonly number[]): void {
    const { socket, protocol, subresource } = session;
    this.begun.push(session);
    socket.on("error", () => {});
    socket.on("close", () => {
      session.gone = true;
    });
    if (protocol === tunnel) {
      forwardBySpdy(session);
      return;
    }
    const channels = new Channels(session);
    if (this.intercept?.(session, channels) === true) return;
    if (subresource === "portforward") forwardByChannels(session, forwarded);
    else if (subresource === "attach") runAttach(session, channels);
    else runExec(session, channels);
  }

  #spoken({ headers }: Asked, subresource: string): string {
    const offered = String(headers["sec-websocket-protocol"] ?? "")
      .split(",")
      .map((one) => one.trim());
    const spoken = subresource === "portforward" ? [tunnel, "v4.channel.k8s.io"] : this.speaks;
    const chosen = spoken.find((one) => offered.includes(one));
    if (chosen !== undefined) return chosen;
    throw new ApiError(400, "BadRequest", `unable to upgrade: none of ${offered.join(", ")} is spoken here`);
  }
}

/** As `validateContainer` of the pods' registry: only a pod with one container has one by itself. */
function containerOf(pod: ApiObject, asked: string): string {
  const names = listOf(pod.spec, "containers").map((one) => textOf(one, "name") ?? "");
  if (asked === "" && names.length === 1) return names[0] ?? "";
  if (names.includes(asked)) return asked;
  const what = asked === "" ? "a container name must be specified" : `container ${asked} is not valid`;
  throw new ApiError(400, "BadRequest", `${what} for pod ${pod.metadata.name}, choose one of: ${JSON.stringify(names)}`);
}
