import type { Requirement, Stage } from "../api/model.ts";
import { Exact } from "../ui/exact.tsx";
import { Icon } from "../ui/icon.tsx";

/** The rules that held the request and how far each of their stages is. */
export function RequirementList({ requirements }: { readonly requirements: readonly Requirement[] }) {
  return (
    <ul className="requirements">
      {requirements.map(({ rule, stages, satisfied }) => (
        <li key={rule} className={satisfied ? "requirement requirement-met" : "requirement"}>
          <p className="rule">
            <span className="rule-label">Held by rule</span>{" "}
            <code>
              <Exact text={rule} />
            </code>
          </p>
          <ol>
            {stages.map((stage, index) => (
              <StageRow key={index} stage={stage} />
            ))}
          </ol>
        </li>
      ))}
    </ul>
  );
}

function StageRow({ stage }: { readonly stage: Stage }) {
  const met = stage.approved >= stage.count;
  return (
    <li className="stage">
      <span className="pips" aria-hidden="true">
        {Array.from({ length: Math.min(stage.count, 12) }, (_, index) => (
          <span key={index} className={index < stage.approved ? "pip pip-full" : "pip"} />
        ))}
      </span>
      <span className="stage-words">
        {met && <Icon name="check" />}
        {stage.approved} of {stage.count} approved <span className="stage-who">by {stage.approvers.map(who).join(" or ")}</span>
      </span>
    </li>
  );
}

/** `group:dba-oncall` → `anyone in dba-oncall`, `user:alice` → `alice`. */
function who(approver: string): string {
  if (approver.startsWith("group:")) return `anyone in ${approver.slice(6)}`;
  return approver.startsWith("user:") ? approver.slice(5) : approver;
}
