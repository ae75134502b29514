import { useState } from "react";
import { localInput, readLocalInput } from "../display/local-time.ts";
import { useServices } from "../services.ts";
import { Field } from "../ui/field.tsx";
import { ActionDialog } from "./action-dialog.tsx";

/** A working day: whoever wants another time says so. */
const usualMs = 24 * 3_600_000;

/** Giving one's own right to vote to somebody else for a time. */
export function DelegateDialog(props: {
  readonly onConfirm: (wish: { to: string; fromMs: number; untilMs: number; reason: string }) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const { clock } = useServices();
  const [to, setTo] = useState("");
  const [from, setFrom] = useState("");
  const [until, setUntil] = useState(() => localInput(clock.now() + usualMs));
  const fromMs = from === "" ? 0 : readLocalInput(from);
  const untilMs = readLocalInput(until);
  const mistake = () => {
    if (to.trim() === "") return "Say who is to decide in your place.";
    if (fromMs === undefined) return "Say from when, or leave it empty for now.";
    if (untilMs === undefined || untilMs <= Math.max(fromMs, clock.now())) return "It has to end later than it begins.";
    return "";
  };
  return (
    <ActionDialog
      title="Delegate"
      reason={{ label: "Why (optional, recorded)", required: false }}
      confirm={{ label: "Delegate", look: "approve" }}
      notReady={mistake()}
      onConfirm={(reason) => props.onConfirm({ to: to.trim(), fromMs: fromMs ?? 0, untilMs: untilMs ?? 0, reason })}
      onClose={props.onClose}
    >
      <p>They may vote wherever you are asked. It counts once: their own vote and yours are one person's.</p>
      <Field label="Person" value={to} onChange={setTo} hint="Their name as an approver." />
      <div className="field-row">
        <Field label="From" type="datetime-local" value={from} onChange={setFrom} hint="Empty: from now on." />
        <Field label="Until" type="datetime-local" value={until} onChange={setUntil} hint="At most 30 days." />
      </div>
    </ActionDialog>
  );
}
