import type { Detail } from "../api/model.ts";
import { Notice } from "../ui/notice.tsx";
import { ActionDialog } from "./action-dialog.tsx";

/** Approving alone, in an emergency: apart from the ordinary approval, with a reason that cannot be left out. */
export function BreakGlassDialog(props: {
  readonly detail: Detail;
  readonly onConfirm: (reason: string) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  return (
    <ActionDialog
      title="Approve alone, in an emergency"
      look="danger"
      reason={{ label: "What the emergency is (recorded and sent to everybody who was asked)", required: true, first: true }}
      confirm={{ label: "Break the glass and approve", look: "deny" }}
      onConfirm={props.onConfirm}
      onClose={props.onClose}
    >
      <Notice tone="danger" title="You decide this without anybody else">
        <ul className="bullets">
          <li>Exactly this operation may run once, without the other votes that the rules ask for.</li>
          <li>Everybody who was asked is told at once, with your name and your reason.</li>
          <li>Somebody else has to review it afterwards. It stays on record as an emergency.</li>
        </ul>
      </Notice>
    </ActionDialog>
  );
}
