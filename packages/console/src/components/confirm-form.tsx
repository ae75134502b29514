import { type KeyboardEvent, useEffect, useRef } from "react";
import { Label } from "react-aria-components/Label";
import { TextArea } from "react-aria-components/TextArea";
import { TextField } from "react-aria-components/TextField";
import type { Verdict } from "../api/model.ts";
import { plural } from "../display/time.ts";
import { Button } from "../ui/button.tsx";

const words = {
  approve: {
    question: "Approve exactly this?",
    effect: "It may run once, as shown, and never again.",
    confirm: "Confirm approval",
  },
  deny: { question: "Deny this?", effect: "One denial ends the request. The agent is told.", confirm: "Confirm denial" },
} as const;

/** At most this many bytes of comment (approver.proto, VoteRequest). */
const commentBytes = 4096;

/** The second step of a decision: a comment and a deliberate confirmation. No single key or click decides anything. */
export function ConfirmForm(props: {
  readonly verdict: Verdict;
  /** How many lines of a plan run, and how many are struck out; absent for a single action. */
  readonly plan: { readonly runs: number; readonly struck: number } | undefined;
  readonly sending: boolean;
  readonly comment: string;
  readonly onComment: (comment: string) => void;
  readonly onConfirm: () => void;
  readonly onBack: () => void;
}) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const tooLong = new TextEncoder().encode(props.comment.trim()).length > commentBytes;
  // The button stays enabled while it is sending: one that is disabled loses the focus.
  const confirmOnce = () => {
    if (!props.sending && !tooLong) props.onConfirm();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      confirmOnce();
    }
    if (event.key === "Escape" && !props.sending) {
      event.preventDefault();
      props.onBack();
    }
  };
  const { question, effect, confirm } = words[props.verdict];
  return (
    // biome-ignore lint/a11y/useSemanticElements: not a group of form fields
    <div className={`actions confirm confirm-${props.verdict}`} role="group" aria-labelledby="confirm-question" onKeyDown={press}>
      <p className="confirm-question" id="confirm-question">
        {question}
      </p>
      <p className="confirm-effect">{props.verdict === "approve" && props.plan ? planEffect(props.plan) : effect}</p>
      <TextField value={props.comment} onChange={props.onComment} isInvalid={tooLong} isDisabled={props.sending}>
        <Label>Comment (optional, recorded)</Label>
        <TextArea ref={field} rows={2} />
      </TextField>
      {tooLong && (
        <p className="why-not" role="alert">
          The comment is longer than {commentBytes} bytes.
        </p>
      )}
      <div className="action-buttons">
        <Button onPress={props.onBack} isDisabled={props.sending}>
          Back
        </Button>
        <Button look={props.verdict} onPress={confirmOnce} isDisabled={tooLong}>
          {props.sending ? "Sending…" : confirm}
        </Button>
      </div>
      <p className="confirm-keys">
        <kbd>Ctrl</kbd> <kbd>Enter</kbd> confirms · <kbd>Esc</kbd> goes back
      </p>
    </div>
  );
}

function planEffect({ runs, struck }: { readonly runs: number; readonly struck: number }): string {
  const out = struck === 0 ? "" : ` ${plural(struck, "line")} struck out: never run under this plan.`;
  return `${plural(runs, "line")} may run once, in this order, as shown.${out}`;
}
