import { useEffect, useRef, useState } from "react";
import type { RecordedSession } from "./api/recording.ts";
import type { Run } from "./display/terminal-screen.ts";
import type { RecordingPlayer } from "./recording-player.ts";
import { useServices } from "./services.ts";

/** A recording on the page. */
export interface LiveRecording {
  readonly session: RecordedSession;
  readonly player: RecordingPlayer;
  /** How much of it is there. */
  readonly durationMs: number;
  /** All of it. */
  readonly isComplete: boolean;
  /** Parts that were erased. */
  readonly erased: number;
}

/**
 * The recording of a request, followed while it is made. Undefined while there is none.
 *
 * @param state of the request: nothing is recorded before it runs.
 */
export function useRecording(
  requestId: string,
  state: string,
): { readonly recording: LiveRecording | undefined; readonly failure: unknown } {
  const { api, session } = useServices();
  const [recording, setRecording] = useState<LiveRecording>();
  const [failure, setFailure] = useState<unknown>();
  const latest = useRef(state);
  latest.current = state;
  // Followed to its end, whatever becomes of the request meanwhile.
  const mayHaveBegun = state !== "pending" && state !== "approved";
  useEffect(() => {
    if (!mayHaveBegun) return;
    const ending = new AbortController();
    const find = async () => {
      for (;;) {
        const found = await api.recordedSession(requestId, ending.signal);
        if (found !== undefined || latest.current !== "executing") return found;
        await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
        ending.signal.throwIfAborted();
      }
    };
    const follow = async () => {
      if ((await find()) === undefined) return;
      // The terminal's code is only for those who look at one.
      const { RecordingPlayer } = await import("./recording-player.ts");
      const player = new RecordingPlayer();
      let erased = 0;
      for (let after = 0; !ending.signal.aborted; ) {
        const part = await api.recordingPart(requestId, after, ending.signal);
        player.add(part.lines);
        erased += part.erased;
        after = part.next;
        const isComplete = part.complete;
        setRecording({ session: part.session, player, durationMs: player.durationMs, isComplete, erased });
        if (isComplete) return;
      }
    };
    follow().catch((error: unknown) => {
      if (ending.signal.aborted) return;
      session.noticed(error);
      setFailure(error);
    });
    return () => ending.abort();
  }, [api, session, requestId, mayHaveBegun]);
  return { recording, failure };
}

/** A session begins a moment after its request. */
const lookAgainMs = 500;

/** Nobody waits longer for the next thing to happen, milliseconds. */
const longestPauseMs = 2000;
const stepMs = 50;

/** A player's controls, and what its screen shows. */
export interface Playing {
  readonly lines: readonly (readonly Run[])[];
  readonly atMs: number;
  readonly isPlaying: boolean;
  /** Shows what happens as it happens. */
  readonly isLive: boolean;
  play(isPlaying: boolean): void;
  seek(ms: number): void;
  goLive(): void;
}

/** Plays a recording: as far as it is there, live while it goes on, until somebody goes to another moment. */
export function usePlaying({ player, durationMs, isComplete }: LiveRecording, speed: number): Playing {
  const [lines, setLines] = useState<readonly (readonly Run[])[]>([]);
  const [atMs, setAtMs] = useState(0);
  const [isPlaying, setPlaying] = useState(false);
  const [isLive, setLive] = useState(true);
  const turn = useRef(0);
  const shownMs = isLive ? durationMs : atMs;
  useEffect(() => {
    const mine = ++turn.current;
    void player.show(shownMs).then((shown) => {
      if (mine === turn.current) setLines(shown);
    });
  }, [player, shownMs]);
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setInterval(() => {
      setAtMs((before) => {
        const next = player.after(before);
        if (next === undefined) {
          setPlaying(false);
          return before;
        }
        // A long pause is passed over.
        return Math.max(before + stepMs * speed, next - longestPauseMs);
      });
    }, stepMs);
    return () => clearInterval(timer);
  }, [player, isPlaying, speed]);
  return {
    ...{ lines, atMs: shownMs, isPlaying, isLive: isLive && !isComplete },
    play: (begin) => {
      if (begin && (isLive || player.after(atMs) === undefined)) setAtMs(0);
      setLive(false);
      setPlaying(begin);
    },
    seek: (ms) => {
      setLive(false);
      setAtMs(ms);
    },
    goLive: () => {
      setPlaying(false);
      setLive(true);
    },
  };
}
