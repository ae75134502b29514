import type { Detail } from "../api/model.ts";
import { type Action, isOffered, whyNot } from "../display/actions.ts";
import { Button } from "../ui/button.tsx";

/** What can be done besides a plain yes or no, the likeliest first. */
const others = [
  ["grant", "Approve, and let it run again…"],
  ["edit", "Propose an edit…"],
  ["break-glass", "Approve alone, in an emergency…"],
  ["resolve", "Say what happened…"],
  ["revoke", "Revoke…"],
] as const satisfies readonly (readonly [Action, string])[];

/** An action that opens a dialog of its own. */
export type OtherAction = (typeof others)[number][0] | "lock";

/** The actions besides the two that decide. */
export function OtherActions(props: {
  readonly detail: Detail;
  readonly allSeen: boolean;
  readonly onOpen: (action: OtherAction) => void;
}) {
  const { detail, allSeen } = props;
  const offered = others.filter(([action]) => isOffered(action, detail));
  return (
    // biome-ignore lint/a11y/useSemanticElements: not a group of form fields
    <div className="other-actions" role="group" aria-label="Other actions">
      {offered.map(([action, label]) => (
        <Button
          key={action}
          look="quiet"
          className={action === "break-glass" || action === "revoke" ? "other other-grave" : "other"}
          isDisabled={whyNot(action, detail, allSeen) !== ""}
          onPress={() => props.onOpen(action)}
        >
          {label}
        </Button>
      ))}
      <Button look="quiet" className="other other-grave" onPress={() => props.onOpen("lock")}>
        Lock this agent…
      </Button>
    </div>
  );
}
