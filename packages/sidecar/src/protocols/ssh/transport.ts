import { once } from "node:events";
import type { Duplex } from "node:stream";
import { CountersignError } from "@countersign/policy";
import type { ConnectConfig, PseudoTtyOptions, SFTPWrapper, Client as Ssh2Client } from "ssh2";
import type { SshAddress } from "./address.ts";
import { algorithms, hostKeyOrder } from "./algorithms.ts";
import { CommandChannel } from "./command-channel.ts";
import { checkHost, type HostTrust } from "./host-trust.ts";
import { fingerprint, keyTypeOf } from "./public-key.ts";
import { Client, type NextOffer, type Offer } from "./ssh2-patched.ts";
import { TargetSocket } from "./target-socket.ts";

/** How a transport is opened. */
export interface TransportOptions {
  /** The target in words, for errors; never its address. */
  readonly where: string;
  readonly address: SshAddress;
  readonly user: string;
  readonly trust: HostTrust;
  /** The way through the jump hosts; absent = a connection of our own. */
  readonly through?: Duplex;
  readonly timeoutMs: number;
  readonly keepaliveMs: number;
  /** The wall clock, for certificates of hosts. */
  readonly now: () => number;
}

const mostSilentKeepalives = 3;

/** An SSH connection to a host that has proved who it is. It can be prepared, and log in only when a command is about to be sent. */
export class Transport {
  /** The fingerprint of the host's key or certificate. */
  readonly hostKey: string;
  readonly #client: Ssh2Client;
  readonly #where: string;
  readonly #offer: NextOffer;
  readonly #failed: Promise<never>;
  #open = true;

  private constructor(client: Ssh2Client, where: string, hostKey: string, offer: NextOffer, failed: Promise<never>) {
    this.#client = client;
    this.#where = where;
    this.hostKey = hostKey;
    this.#offer = offer;
    this.#failed = failed;
    client.once("close", () => {
      this.#open = false;
    });
  }

  /**
   * Connects, exchanges keys and checks the host. Nobody has logged in yet.
   *
   * @throws {CountersignError} `target_unavailable`.
   */
  static async open(options: TransportOptions, signal: AbortSignal): Promise<Transport> {
    const { where, address, user, trust, through, timeoutMs, keepaliveMs, now } = options;
    const client = new Client();
    const ready = Promise.withResolvers<NextOffer>();
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {});
    ready.promise.catch(() => {});
    let shown: Buffer | undefined;
    let refusal: CountersignError | undefined;
    let timesAsked = 0;
    const fail = (error: unknown) => {
      const why = refusal ?? unreachable(where, error);
      ready.reject(why);
      failed.reject(why);
    };
    client.on("error", fail);
    // Small packets go back and forth: each would wait for the other side's delayed acknowledgement.
    client.once("connect", () => client.setNoDelay(true));
    client.once("close", () => fail(undefined));
    const verify = (key: Buffer): boolean => {
      // Keys are exchanged anew after a while; a certificate may have run out by then, but it is still the same host.
      if (shown?.equals(key)) return true;
      try {
        checkHost(key, trust, where, now());
      } catch (error) {
        refusal = error instanceof CountersignError ? error : unreachable(where, error);
        return false;
      }
      shown ??= key;
      return shown.equals(key);
    };
    const own = through === undefined ? new TargetSocket() : undefined;
    // Also each time when keys are exchanged anew.
    client.on("handshake", ({ sc }) => own?.decryptedBy(sc.cipher));
    const config: ConnectConfig = {
      sock: own ?? (through as NonNullable<ConnectConfig["sock"]>),
      username: user,
      // Ours below also covers the time until somebody logs in.
      readyTimeout: 0,
      keepaliveInterval: keepaliveMs,
      keepaliveCountMax: mostSilentKeepalives,
      algorithms: { ...algorithms, serverHostKey: hostKeyOrder(trust.keys.map(keyTypeOf), trust.authorities.length > 0) },
      hostVerifier: verify,
      // Called when the host is ready for a login, and again when it refused one. One try: a wrong credential does not get better.
      authHandler: (_left: unknown, _partial: unknown, next: unknown) => {
        if (timesAsked++ === 0) ready.resolve(next as NextOffer);
        else {
          refusal = credentials(where);
          (next as NextOffer)(false);
        }
      },
    };
    const timer = setTimeout(() => fail(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    const onAbort = () => fail(new CountersignError("cancelled", "Cancelled before it was sent to the target; nothing ran."));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      else {
        own?.to(address);
        client.connect(config);
      }
      const offer = await ready.promise;
      if (shown === undefined) throw new TypeError("a host was not checked");
      return new Transport(client, where, fingerprint(shown), offer, failed.promise);
    } catch (error) {
      client.destroy();
      own?.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Rejected when the connection is lost, with what is known about why. Never resolves. */
  get failed(): Promise<never> {
    return this.#failed;
  }

  /**
   * Logs in, once.
   *
   * @throws {CountersignError} `target_credentials` when the host refuses it, `target_unavailable`.
   */
  async logIn(offer: Offer): Promise<void> {
    const ready = once(this.#client, "ready");
    // The other of the two is never heard of.
    ready.catch(() => {});
    try {
      this.#offer(offer);
    } catch (error) {
      // ssh2 says here what is wrong with a key; its words could quote it.
      throw new CountersignError(
        "target_credentials",
        `The credential for ${this.#where} cannot be used; is it a private key in OpenSSH's format?`,
        {
          cause: error,
        },
      );
    }
    await Promise.race([ready, this.#failed]);
  }

  /** Asks for a command; rejected with ssh2's error when the host refuses it, or with {@link failed}'s. */
  exec(command: string, pty?: PseudoTtyOptions): Promise<CommandChannel> {
    return this.#orFailed<CommandChannel>((done) =>
      this.#client.exec(command, pty === undefined ? {} : { pty }, (error, channel) => {
        if (error === undefined) done(undefined, new CommandChannel(channel));
        else done(error);
      }),
    );
  }

  /** Asks for the user's shell in a terminal; rejected as {@link exec}. */
  shell(pty: PseudoTtyOptions): Promise<CommandChannel> {
    return this.#orFailed<CommandChannel>((done) =>
      this.#client.shell(pty, (error, channel) => {
        if (error === undefined) done(undefined, new CommandChannel(channel));
        else done(error);
      }),
    );
  }

  /** Asks for the `sftp` subsystem; rejected as {@link exec}. */
  sftp(): Promise<SFTPWrapper> {
    return this.#orFailed((done) => this.#client.sftp(done));
  }

  /** Asks the host to connect further; rejected as {@link exec}. */
  forward({ host, port }: SshAddress): Promise<Duplex> {
    return this.#orFailed<Duplex>((done) => this.#client.forwardOut("127.0.0.1", 0, host, port, done));
  }

  /** Ends the connection in order. */
  end(): void {
    this.#client.end();
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#client.destroy();
  }

  #orFailed<Result>(
    ask: (done: (...answer: [error: Error] | [error: Error | undefined, result: Result]) => void) => void,
  ): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    try {
      ask((...[error, result]) => {
        if (error !== undefined) reject(error);
        else if (result !== undefined) resolve(result);
      });
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
    return Promise.race([promise, this.#failed]);
  }
}

function credentials(where: string): CountersignError {
  const message = `${where} refused the login. Check the role's user and credential; for certificates, whether the target trusts \`countersign ssh ca\`.`;
  return new CountersignError("target_credentials", message);
}

function unreachable(where: string, error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  const { message = "the connection ended", code = undefined } =
    error instanceof Error ? (error as Error & { code?: unknown }) : {};
  const why = typeof code === "string" ? code : message.slice(0, 200);
  return new CountersignError("target_unavailable", `${where} is not reachable (${why}). Check that its SSH server is up.`, {
    retryable: true,
    cause: error,
  });
}
