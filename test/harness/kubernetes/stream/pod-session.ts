import type { WebSocket } from "ws";

/** One exec, attach or port-forward, as the server understood it and what came of it. */
export interface PodSession {
  readonly subresource: string;
  readonly namespace: string;
  readonly pod: string;
  /** Of the pod in which it truly ran. */
  readonly uid: string;
  readonly container: string;
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly takesInput: boolean;
  readonly user: string;
  /** The subprotocol that is spoken. */
  readonly protocol: string;
  /** All that came on its standard input. */
  readonly input: Buffer[];
  /** The input was said to have ended (v5). */
  inputEnded: boolean;
  readonly sizes: { readonly columns: number; readonly rows: number }[];
  /** Ports that were connected to. */
  readonly ports: number[];
  /** The client's end has gone. */
  gone: boolean;
  readonly socket: WebSocket;
}
