import type { Requirement, Stage } from "../api/model.ts";
import { countdown, timeOfDay } from "../display/time.ts";
import { useTimedText } from "../services.ts";
import { Exact } from "../ui/exact.tsx";
import { Icon } from "../ui/icon.tsx";

/** The rules that held the request and how far each of their stages is. */
export function RequirementList(props: {
  readonly requirements: readonly Requirement[];
  /** Whether anybody is still asked. */
  readonly pending: boolean;
}) {
  return (
    <ul className="requirements">
      {props.requirements.map(({ rule, stages, satisfied }) => (
        <li key={rule} className={satisfied ? "requirement requirement-met" : "requirement"}>
          <p className="rule">
            <span className="rule-label">Held by rule</span>{" "}
            <code>
              <Exact text={rule} />
            </code>
          </p>
          <ol>
            {stages.map((stage, index) => (
              <StageRow key={index} stage={stage} turn={turnOf(stages, index, satisfied, props.pending)} />
            ))}
          </ol>
        </li>
      ))}
    </ul>
  );
}

/** Whose turn it is: stages come one after the other, and none is left once the rule is satisfied. */
function turnOf(stages: readonly Stage[], index: number, satisfied: boolean, pending: boolean): keyof typeof turnWords {
  const isMet = (stage: Stage) => stage.approved >= stage.count;
  const stage = stages[index];
  if (stage === undefined || isMet(stage)) return "met";
  // Satisfied without its votes: somebody approved it alone.
  if (satisfied) return "spared";
  if (!pending) return "over";
  return stages.findIndex((one) => !isMet(one)) === index ? "now" : "later";
}

const turnWords = {
  met: "by ",
  over: "asked: ",
  now: "Asked now: ",
  later: "Asked afterwards: ",
  spared: "Not needed any more: ",
} as const;

function StageRow({ stage, turn }: { readonly stage: Stage; readonly turn: keyof typeof turnWords }) {
  const met = turn === "met";
  return (
    <li className={`stage stage-${turn}`}>
      <span className="pips" aria-hidden="true">
        {Array.from({ length: Math.min(stage.count, 12) }, (_, index) => (
          <span key={index} className={index < stage.approved ? "pip pip-full" : "pip"} />
        ))}
      </span>
      <span className="stage-words">
        {met && <Icon name="check" />}
        {stage.approved} of {stage.count} approved{met && " "}
        <span className={met ? "stage-who" : "stage-who stage-turn"}>
          {turnWords[turn]}
          <Exact text={stage.approvers.map(who).join(" or ")} />
        </span>
        {turn === "now" &&
          stage.escalations.map((one) => (
            <span key={one.fromMs} className="stage-who stage-turn escalation">
              <EscalationWords escalation={one} />
            </span>
          ))}
      </span>
    </li>
  );
}

/** Whom time has added, or will add. Nobody is taken away by it, and nothing is approved by it. */
function EscalationWords({ escalation }: { readonly escalation: Stage["escalations"][number] }) {
  const { fromMs, approvers } = escalation;
  const when = useTimedText((nowMs) =>
    fromMs <= nowMs ? `Since ${timeOfDay(fromMs)} also asked: ` : `In ${countdown(fromMs - nowMs)} also asked: `,
  );
  return (
    <>
      {when}
      <Exact text={approvers.map(who).join(" or ")} />
    </>
  );
}

/** `group:dba-oncall` → `anyone in dba-oncall`, `user:alice` → `alice`. */
function who(approver: string): string {
  if (approver.startsWith("group:")) return `anyone in ${approver.slice(6)}`;
  return approver.startsWith("user:") ? approver.slice(5) : approver;
}
