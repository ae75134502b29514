import { ApiError } from "./api/api-error.ts";
import type { ApproverApi } from "./api/client.ts";
import type { Session } from "./api/model.ts";

/** Whether someone is signed in. */
export type SessionState =
  | { readonly state: "checking" }
  | { readonly state: "signed-in"; readonly session: Session }
  /** `why`: there was no session, it ended by itself, or the person left. */
  | { readonly state: "signed-out"; readonly why: "none" | "ended" | "left" }
  /** The sign-in link was refused. */
  | { readonly state: "refused"; readonly error: ApiError }
  | { readonly state: "unreachable"; readonly error: ApiError };

/** The session of this tab, as the pages see it. */
export class SessionStore {
  readonly #api: ApproverApi;
  readonly #listeners = new Set<() => void>();
  #state: SessionState = { state: "checking" };

  constructor(api: ApproverApi) {
    this.#api = api;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): SessionState => this.#state;

  /** Asks the server who is signed in. */
  async check(): Promise<void> {
    this.#set({ state: "checking" });
    try {
      this.#set({ state: "signed-in", session: await this.#api.session() });
    } catch (error) {
      const failure = asApiError(error);
      this.#set(
        failure.code === "unauthenticated" ? { state: "signed-out", why: "none" } : { state: "unreachable", error: failure },
      );
    }
  }

  /** Exchanges a one-time token. Gives whether it worked. */
  async signIn(token: string): Promise<boolean> {
    this.#set({ state: "checking" });
    try {
      this.#set({ state: "signed-in", session: await this.#api.signIn(token) });
      return true;
    } catch (error) {
      this.#set({ state: "refused", error: asApiError(error) });
      return false;
    }
  }

  /** Ends the session on the server too. When the server cannot be told, the person stays signed in and sees why. */
  async signOut(): Promise<void> {
    try {
      await this.#api.signOut();
      this.#set({ state: "signed-out", why: "left" });
    } catch (error) {
      const failure = asApiError(error);
      this.#set(
        failure.code === "unauthenticated" ? { state: "signed-out", why: "left" } : { state: "unreachable", error: failure },
      );
    }
  }

  /** To be told of every failed call: an ended session ends it for the whole page. */
  noticed(error: unknown): void {
    if (error instanceof ApiError && error.code === "unauthenticated") this.#set({ state: "signed-out", why: "ended" });
  }

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError("unreadable", "Something went wrong in this page", { cause: error });
}
