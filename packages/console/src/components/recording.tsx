import { useId, useMemo, useState } from "react";
import { explain } from "../api/explain.ts";
import type { State } from "../api/model.ts";
import { exactText } from "../display/exact-text.ts";
import type { Run } from "../display/terminal-screen.ts";
import { countdown } from "../display/time.ts";
import { type LiveRecording, usePlaying, useRecording } from "../recording.ts";
import { useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Choice } from "../ui/choice.tsx";
import { Exact } from "../ui/exact.tsx";
import { Notice } from "../ui/notice.tsx";
import { ActionDialog } from "./action-dialog.tsx";
import { CodeBlock } from "./code-block.tsx";

/**
 * The recorded terminal of a request, or of a session that is none: live while it goes on, and to be played again afterwards. Everything in it is from outside.
 *
 * @param state of the request.
 */
export function Recording({ id, state }: { readonly id: string; readonly state: State }) {
  const { recording, failure } = useRecording(id, state);
  if (recording !== undefined) return <Player recording={recording} failure={failure} />;
  if (failure === undefined) return null;
  return (
    <Notice tone="caution" title={explain(failure).title}>
      <p>{explain(failure).detail}</p>
    </Notice>
  );
}

/** Of the slider, so that its end is after the last thing that happened. */
const stepMs = 100;
const speeds = { 1: "1 ×", 2: "2 ×", 4: "4 ×", 16: "16 ×" } as const;
type Speed = `${keyof typeof speeds}`;

function Player({ recording, failure }: { readonly recording: LiveRecording; readonly failure: unknown }) {
  const { session, durationMs, isComplete, erased, player } = recording;
  const [speed, setSpeed] = useState<Speed>("1");
  const [isCutting, setCutting] = useState(false);
  const playing = usePlaying(recording, Number(speed));
  const slider = useId();
  return (
    <section className="recording" aria-labelledby="recording-heading">
      <header className="bar">
        <h2 id="recording-heading">Recording</h2>
        <p className="bar-note" role="status">
          {session.end === undefined ? "The session goes on." : <Exact text={session.end.message} />}
        </p>
        {session.end === undefined && (
          <Button look="deny" onPress={() => setCutting(true)}>
            Cut…
          </Button>
        )}
      </header>
      {failure !== undefined && (
        <Notice tone="caution" title="The recording could not be followed further; load the page again" />
      )}
      {erased > 0 && <Notice tone="caution" title="Parts of this recording were erased" />}
      {player.isCut && <Notice tone="caution" title="It is too long for this page: countersign replay shows all of it" />}
      <Screen lines={playing.lines} />
      {/* biome-ignore lint/a11y/useSemanticElements: not a group of form fields */}
      <div className="recording-controls" role="group" aria-label="Play the recording">
        <Button onPress={() => playing.play(!playing.isPlaying)}>{playing.isPlaying ? "Pause" : "Play"}</Button>
        <label className="visually-hidden" htmlFor={slider}>
          Moment
        </label>
        <input
          id={slider}
          type="range"
          min={0}
          max={stepMs * Math.ceil(durationMs / stepMs)}
          step={stepMs}
          value={Math.round(playing.atMs)}
          aria-valuetext={`${countdown(playing.atMs)} of ${countdown(durationMs)}`}
          onChange={({ target }) => playing.seek(Number(target.value))}
        />
        <span className="recording-time">
          {countdown(playing.atMs)} / {countdown(durationMs)}
        </span>
        <Choice label="Speed" value={speed} options={speeds} onChange={setSpeed} />
        {!isComplete && (
          <Button onPress={playing.goLive} isDisabled={playing.isLive}>
            {playing.isLive ? "Live" : "Go live"}
          </Button>
        )}
      </div>
      <PlainText recording={recording} />
      {isCutting && <CutDialog id={session.id} onClose={() => setCutting(false)} />}
    </section>
  );
}

function Screen({ lines }: { readonly lines: readonly (readonly Run[])[] }) {
  return (
    // A picture to those who see it; others read the plain text below. It scrolls on narrow screens, by keyboard too.
    <div
      className="terminal"
      role="img"
      aria-label="The terminal's screen; its plain text is below"
      dir="ltr"
      translate="no"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
      tabIndex={0}
    >
      {lines.map((runs, row) => (
        <div key={row} className="terminal-line">
          {runs.map(({ text, look, colour, background }, at) => (
            <span
              key={at}
              className={look}
              style={{ ...(colour !== undefined && { color: colour }), ...(background !== undefined && { background }) }}
            >
              {text}
            </span>
          ))}
        </div>
      ))}
    </div>
  );
}

function PlainText({ recording: { player, durationMs, isComplete } }: { readonly recording: LiveRecording }) {
  const [shown, setShown] = useState<string>();
  const lines = useMemo(() => exactText(shown ?? ""), [shown]);
  const show = () => void player.text().then(setShown);
  return (
    <details className="evidence-text" onToggle={({ currentTarget }) => currentTarget.open && show()}>
      <summary>As plain text</summary>
      {shown !== undefined && <CodeBlock label="The recording as plain text" lines={lines} scrolls numbered={false} />}
      {shown !== undefined && !isComplete && (
        <Button look="quiet" onPress={show}>
          Read again, up to {countdown(durationMs)}
        </Button>
      )}
    </details>
  );
}

function CutDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const { api, announcer } = useServices();
  return (
    <ActionDialog
      title="Cut this session"
      look="danger"
      reason={{ label: "Why (recorded; the agent is told)", required: true, first: true }}
      confirm={{ label: "Cut it now", look: "deny" }}
      onConfirm={async (reason) => {
        await api.cutSession(id, reason);
        announcer.say("The session was cut.");
      }}
      onClose={onClose}
    >
      <p>The terminal is closed at once. What was done in it stays done; the recording ends with why.</p>
    </ActionDialog>
  );
}
