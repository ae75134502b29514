import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Group } from "react-aria-components/Group";
import type { Ballot } from "../api/client.ts";
import type { Detail, Verdict } from "../api/model.ts";
import { isLegal, isOffered, whyNot } from "../display/actions.ts";
import type { Facts } from "../display/facts.ts";
import { stateMeaning } from "../display/request-words.ts";
import { duration } from "../display/time.ts";
import { useHotkeys } from "../hotkeys.ts";
import type { Reading } from "../reading.ts";
import type { Change } from "../request-detail.ts";
import { useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { Fuse, TimeLeft } from "../ui/time.tsx";
import { ConfirmForm } from "./confirm-form.tsx";
import { type OtherAction, OtherActions } from "./other-actions.tsx";
import { RequestDialog } from "./request-dialog.tsx";
import { RequirementList } from "./requirement-list.tsx";

/** Where the request stands, what it still needs, and the two buttons. */
export function DecisionPanel(props: {
  readonly detail: Detail;
  readonly reading: Reading | undefined;
  readonly facts: Facts | undefined;
  /** Lines of a plan that this person strikes out with their vote. */
  readonly struck: ReadonlySet<number>;
  /** Casts the vote. Gives whether it was accepted. */
  readonly onVote: (ballot: Ballot) => Promise<boolean>;
  readonly onChange: Change;
}) {
  const { detail } = props;
  const progress = useReadingProgress(props.reading);
  const [open, setOpen] = useState<OtherAction>();
  const close = () => {
    setOpen(undefined);
    // The button that it came from may be gone with the state: go on where the result is shown.
    requestAnimationFrame(() => {
      if (document.activeElement === document.body) standing.current?.focus({ preventScroll: true });
    });
  };
  const { summary } = detail;
  const pending = summary.state === "pending";
  const standing = useRef<HTMLDivElement>(null);
  const vote = async (ballot: Ballot) => {
    const accepted = await props.onVote(ballot);
    // The button that had the focus is gone: go on where the result is shown.
    if (accepted) standing.current?.focus({ preventScroll: true });
    return accepted;
  };
  return (
    <aside className="decision" aria-labelledby="decision-heading">
      <h2 id="decision-heading" className="visually-hidden">
        Decision
      </h2>
      <div className="standing" ref={standing} tabIndex={-1}>
        <StateBadge state={summary.state} />
        {pending && <TimeLeft untilMs={summary.expiresMs} />}
      </div>
      {pending && <Fuse fromMs={summary.createdMs} untilMs={summary.expiresMs} />}
      {detail.outcome === undefined && <p className="meaning">{stateMeaning[summary.state]}</p>}
      <RequirementList requirements={detail.requirements} pending={pending} />
      {pending && detail.validForSeconds > 0 && (
        <p className="valid-for">Once approved, it must start within {duration(detail.validForSeconds * 1000)}.</p>
      )}
      <OtherActions detail={detail} allSeen={progress.complete} onOpen={setOpen} />
      {pending && <Actions {...props} onVote={vote} />}
      {open && <RequestDialog action={open} detail={detail} facts={props.facts} onChange={props.onChange} onClose={close} />}
    </aside>
  );
}

/** Where the person is in deciding. */
type Step =
  | { readonly step: "choose" }
  | { readonly step: "confirm" | "sending"; readonly verdict: Verdict; readonly requestDigest: string };

function Actions({ detail, reading, struck, onVote }: Parameters<typeof DecisionPanel>[0]) {
  const { announcer } = useServices();
  const progress = useReadingProgress(reading);
  const [step, setStep] = useState<Step>({ step: "choose" });
  const [comment, setComment] = useState("");
  const left = detail.plan.filter((line) => !line.struck && !struck.has(line.index)).length;
  const reasons = {
    approve:
      whyNot("approve", detail, progress.complete) ||
      (detail.plan.length > 0 && left === 0 ? "Every line is struck out. Deny the plan instead." : ""),
    deny: whyNot("deny", detail, progress.complete),
  };

  const choose = (verdict: Verdict) => {
    if (!isLegal(detail.summary.state, verdict)) return;
    if (reasons[verdict] !== "") announcer.say(reasons[verdict]);
    // The digest on the screen now is the one that is voted on, whatever arrives while the comment is written.
    else setStep({ step: "confirm", verdict, requestDigest: detail.requestDigest });
  };
  // Back from the confirmation: the focus returns to the button that it came from.
  const cameFrom = useRef<Verdict>(undefined);
  const buttons = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (step.step === "confirm") cameFrom.current = step.verdict;
    else if (step.step === "choose" && cameFrom.current !== undefined) {
      buttons.current?.querySelector<HTMLElement>(`.button-${cameFrom.current}`)?.focus();
      cameFrom.current = undefined;
    }
  }, [step]);
  useHotkeys({ a: () => choose("approve"), d: () => choose("deny"), n: () => reading?.showUnseen() });

  if (step.step !== "choose") {
    const send = async () => {
      setStep({ ...step, step: "sending" });
      const { requestDigest, verdict } = step;
      const lines = verdict === "approve" && struck.size > 0 ? { struck: [...struck].sort((a, b) => a - b) } : {};
      const accepted = await onVote({ requestDigest, verdict, comment: comment.trim(), ...lines });
      setStep(accepted ? { step: "choose" } : { ...step, step: "confirm" });
    };
    return (
      <ConfirmForm
        verdict={step.verdict}
        plan={detail.plan.length > 0 ? { runs: left, struck: detail.plan.length - left } : undefined}
        sending={step.step === "sending"}
        comment={comment}
        onComment={setComment}
        onConfirm={send}
        onBack={() => setStep({ step: "choose" })}
      />
    );
  }
  const reason = reasons.approve;
  const mayApprove = reasons.deny === "" || isOffered("break-glass", detail);
  const unread = mayApprove && !progress.complete && progress.total > 0;
  const described = reason === "" ? {} : { "aria-describedby": "why-not" };
  return (
    <Group className="actions" aria-label="Decide">
      {reason !== "" && (
        <p id="why-not" className="why-not">
          {reason}
          {unread && ` ${Math.floor((progress.seen / progress.total) * 100)} % seen.`}
        </p>
      )}
      {unread && (
        <Button look="quiet" className="show-unseen" aria-keyshortcuts="n" onPress={() => reading?.showUnseen()}>
          Show the next unseen part
        </Button>
      )}
      <div className="action-buttons" ref={buttons}>
        <span className="actions-time" aria-hidden="true">
          <TimeLeft untilMs={detail.summary.expiresMs} />
        </span>
        <Button look="deny" isDisabled={reasons.deny !== ""} {...described} aria-keyshortcuts="d" onPress={() => choose("deny")}>
          Deny
        </Button>
        <Button look="approve" isDisabled={reason !== ""} {...described} aria-keyshortcuts="a" onPress={() => choose("approve")}>
          Approve
        </Button>
      </div>
    </Group>
  );
}

const nothing = { seen: 0, total: 0, complete: false };

function useReadingProgress(reading: Reading | undefined) {
  return useSyncExternalStore(reading?.subscribe ?? (() => () => {}), reading?.progress ?? (() => nothing));
}
