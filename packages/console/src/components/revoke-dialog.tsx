import type { Detail, State } from "../api/model.ts";
import { ActionDialog } from "./action-dialog.tsx";

/** What taking back means in each state in which it is possible. */
const effects: Partial<Record<State, string>> = {
  pending: "It ends. Nobody can approve it any more, and nothing reaches the target.",
  approved: "It will not run, unless it has been sent already.",
  executing: "It is asked to stop now. What it has already done may stay done: the outcome will say what happened.",
};

/** Taking back a request. */
export function RevokeDialog(props: {
  readonly detail: Detail;
  readonly onConfirm: (reason: string) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  return (
    <ActionDialog
      title="Revoke this request"
      reason={{ label: "Why (recorded; the agent is told)", required: true, first: true }}
      confirm={{ label: "Revoke it", look: "deny" }}
      onConfirm={props.onConfirm}
      onClose={props.onClose}
    >
      <p>{effects[props.detail.summary.state] ?? "It has ended meanwhile; there may be nothing left to revoke."}</p>
    </ActionDialog>
  );
}
