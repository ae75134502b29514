import { EventEmitter } from "node:events";
import ssh2, { type Connection, type SFTPWrapper } from "ssh2";

/** ssh2 as patches/ssh2@1.17.0.patch makes it; its README section says why. */
export const { Client, Server, utils } = ssh2;

/** What a login offers to the target. */
export type Offer =
  | {
      readonly type: "publickey";
      readonly username: string;
      readonly key: string;
      readonly passphrase?: string;
      readonly certificate?: Buffer;
    }
  | { readonly type: "password"; readonly username: string; readonly password: string };

/** Asked for the next way to log in; `false` gives up. */
export type NextOffer = (offer: Offer | false) => void;

/** Hears of everything that the server refused because nobody listens for it: a `channel`, `channel-request` or `global-request`, and its name. */
export function onRefused(client: Connection, listener: (what: string, name: string) => void): void {
  EventEmitter.prototype.on.call(client, "refused", listener);
}

/** Small packets go at once; ssh2's types leave it out. */
export function sendAtOnce(client: Connection): void {
  if ("setNoDelay" in client && typeof client.setNoDelay === "function") client.setNoDelay(true);
}

/** Tells the client of a file session that it ended well; of the patch. */
export function endWell(sftp: SFTPWrapper): void {
  if ("exit" in sftp && typeof sftp.exit === "function") sftp.exit(0);
  sftp.end();
}
