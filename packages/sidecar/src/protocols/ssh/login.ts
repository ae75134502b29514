import type { Json } from "@countersign/policy";
import { type CredentialContext, openCredential } from "../../credentials/source.ts";
import type { SshAuthority } from "./authority.ts";
import { type CertificateScope, mintCertificate } from "./dispatch-certificate.ts";
import type { SshLogin } from "./resource.ts";
import type { Transport } from "./transport.ts";

/** What logging in needs. */
export interface LoginContext extends CredentialContext {
  /** Certifies each command where a role has `certificate`. */
  readonly sshAuthority: SshAuthority;
  /** The wall clock. */
  readonly wallMs: () => number;
  /** Unguessable bytes. */
  readonly random: (size: number) => Buffer;
}

/** A login that is ready to be used once. */
export interface LoggedIn {
  /** What stands in the intent record: which certificate, by serial and authority. */
  readonly marker: { readonly [name: string]: Json };
  /** @throws {CountersignError} `target_credentials` when the host refuses it, `target_unavailable`. */
  logIn(transport: Transport): Promise<void>;
}

/** The way in which a role logs in. */
export interface Login {
  readonly user: string;
  /** What is approved about it. */
  readonly credential: "certificate" | "key" | "password";
  readonly principals?: readonly string[];
  /** Whether a connection, once logged in, is for one command only. */
  readonly isForOneCommand: boolean;
  /**
   * Gets a login ready for what is about to be done. With a fixed credential there is nothing to do: its connections are logged in by the pool.
   *
   * @throws {CountersignError} `target_credentials`.
   */
  prepare(scope: CertificateScope): Promise<LoggedIn>;
  /** Logs a connection in with a fixed credential; does nothing where every command has its own. */
  logInAhead(transport: Transport): Promise<void>;
}

/** @param name What the certificates say that they are for, e.g. `countersign web-1 operator`. */
export function openLogin(config: SshLogin, name: string, context: LoginContext): Login {
  return config.certificate === undefined
    ? fixedLogin(config, context)
    : certificateLogin(config, config.certificate, name, context);
}

function certificateLogin(
  { user }: SshLogin,
  { principals = [user] }: NonNullable<SshLogin["certificate"]>,
  name: string,
  { sshAuthority, wallMs, random }: LoginContext,
): Login {
  const prepare = async (scope: CertificateScope): Promise<LoggedIn> => {
    const holder = { keyId: name, principals, nowMs: wallMs(), random };
    const { privateKey: key, certificate, serial, authority: by } = mintCertificate(await sshAuthority.active(), scope, holder);
    return {
      marker: { serial, authority: by },
      logIn: (transport) => transport.logIn({ type: "publickey", username: user, key, certificate }),
    };
  };
  return { user, credential: "certificate", principals, isForOneCommand: true, prepare, logInAhead: async () => {} };
}

function fixedLogin({ user, key, passphrase, password }: SshLogin, context: LoginContext): Login {
  const credential = key === undefined ? "password" : "key";
  const source = openCredential(key ?? password ?? missing(), context);
  const phrase = passphrase && openCredential(passphrase, context);
  const logInAhead = async (transport: Transport) => {
    const secret = (await source.read()).reveal();
    const words = (await phrase?.read())?.reveal();
    if (credential === "password") return transport.logIn({ type: "password", username: user, password: secret });
    return transport.logIn({
      type: "publickey",
      username: user,
      key: `${secret}\n`,
      ...(words !== undefined && { passphrase: words }),
    });
  };
  const prepare = async (): Promise<LoggedIn> => ({ marker: {}, logIn: async () => {} });
  return { user, credential, isForOneCommand: false, prepare, logInAhead };
}

function missing(): never {
  throw new TypeError("the schema lets no login without a credential through");
}
