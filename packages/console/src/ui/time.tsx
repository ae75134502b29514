import { ago, countdown, moment } from "../display/time.ts";
import { useServices, useTimedText } from "../services.ts";

/** The time until a moment, ticking. Only this text renders again. */
export function TimeLeft({ untilMs }: { readonly untilMs: number }) {
  const left = useTimedText((nowMs) => countdown(untilMs - nowMs));
  const urgency = useTimedText((nowMs) => (untilMs <= nowMs ? "over" : untilMs - nowMs < 120_000 ? "urgent" : "calm"));
  return (
    <time className={`time-left time-${urgency}`} dateTime={new Date(untilMs).toISOString()} title={`Until ${moment(untilMs)}`}>
      {urgency === "over" ? "time is up" : left}
      <span className="visually-hidden"> left</span>
    </time>
  );
}

/** How long ago something was, ticking; the exact moment on hover. */
export function Ago({ ms }: { readonly ms: number }) {
  const text = useTimedText((nowMs) => ago(nowMs - ms));
  return (
    <time dateTime={new Date(ms).toISOString()} title={moment(ms)}>
      {text}
    </time>
  );
}

/** A line that burns down from when something began to when it ends. Drawn by the browser without a script. */
export function Fuse({ fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number }) {
  const { clock } = useServices();
  const whole = Math.max(1, untilMs - fromMs);
  const gone = Math.min(whole, Math.max(0, clock.now() - fromMs));
  const urgent = useTimedText((nowMs) => (untilMs - nowMs < 120_000 ? " fuse-urgent" : ""));
  return (
    <span className={`fuse${urgent}`} aria-hidden="true">
      <span className="fuse-rest" style={{ animationDuration: `${whole}ms`, animationDelay: `-${gone}ms` }} />
    </span>
  );
}
