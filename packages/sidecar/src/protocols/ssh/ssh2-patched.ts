import ssh2 from "ssh2";

/** ssh2 as patches/ssh2@1.17.0.patch makes it; its README section says why. */
export const { Client, Server } = ssh2;

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
