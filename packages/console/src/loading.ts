import { useCallback, useEffect, useState } from "react";
import { useServices } from "./services.ts";

/** Something that is read from the server. */
export interface Loaded<T> {
  /** Absent until it was read once; stays while it is read again. */
  readonly value: T | undefined;
  /** Why the last reading did not succeed. */
  readonly failure: unknown;
  reload(): void;
}

/**
 * Reads something, and reads it again when asked or when what it depends on changes.
 *
 * @param load one reading; the same function for the same thing.
 */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const { session } = useServices();
  const [value, setValue] = useState<T>();
  const [failure, setFailure] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const left = new AbortController();
    load(left.signal).then(
      (answer) => {
        if (left.signal.aborted) return;
        setValue(() => answer);
        setFailure(undefined);
      },
      (error) => {
        if (left.signal.aborted) return;
        session.noticed(error);
        setFailure(error);
      },
    );
    return () => left.abort();
  }, [load, session, attempt]);
  const reload = useCallback(() => setAttempt((one) => one + 1), []);
  return { value, failure, reload };
}
