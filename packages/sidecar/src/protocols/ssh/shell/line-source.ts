/** What a client has given when it was asked for a line. */
export type Given =
  | { readonly type: "line"; readonly text: string }
  /** Several lines at once: a person must see them together before they run. */
  | { readonly type: "pasted"; readonly text: string }
  /** What can be no line. */
  | { readonly type: "refused"; readonly why: string }
  | { readonly type: "interrupted" }
  /** Nothing more will come. */
  | { readonly type: "ended" };

/** Where the lines of a shell come from. */
export interface LineSource {
  /** Asks for the next line. One at a time. @param isQuestion Only what comes after it was shown is an answer. */
  next(prompt: string, isQuestion?: boolean): Promise<Given>;
  /** The client's window has another width. */
  resize(columns: number): void;
  /** Nothing more is taken: who waits gets `ended`. */
  close(): void;
}
