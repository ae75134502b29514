import type { ApproverApi } from "../api/client.ts";
import type { Detail } from "../api/model.ts";
import type { Facts } from "../display/facts.ts";
import type { Change } from "../request-detail.ts";
import { requestPath } from "../route.ts";
import { useServices } from "../services.ts";
import { BreakGlassDialog } from "./break-glass-dialog.tsx";
import { EditDialog } from "./edit-dialog.tsx";
import { GrantDialog } from "./grant-dialog.tsx";
import { LockDialog } from "./lock-dialog.tsx";
import type { OtherAction } from "./other-actions.tsx";
import { ResolveDialog } from "./resolve-dialog.tsx";
import { RevokeDialog } from "./revoke-dialog.tsx";

/** The dialog of one of the other actions. What it sends is over the digest that was on the screen when it opened. */
export function RequestDialog(props: {
  readonly action: OtherAction;
  readonly detail: Detail;
  readonly facts: Facts | undefined;
  readonly onChange: Change;
  readonly onClose: () => void;
}) {
  const { action, detail, onChange, onClose } = props;
  const { api, navigation, feed } = useServices();
  const { id, principal } = detail.summary;
  const { requestDigest } = detail;
  const approve = (more: Partial<Parameters<ApproverApi["vote"]>[1]> & { comment: string }) =>
    onChange(() => api.vote(id, { requestDigest, verdict: "approve", ...more }), "Your approval is recorded");
  switch (action) {
    case "grant":
      return detail.grants === undefined ? null : (
        <GrantDialog
          detail={detail}
          bounds={detail.grants}
          facts={props.facts}
          onConfirm={(grant, comment) => approve({ grant, comment })}
          onClose={onClose}
        />
      );
    case "break-glass":
      return (
        <BreakGlassDialog detail={detail} onConfirm={(comment) => approve({ breakGlass: true, comment })} onClose={onClose} />
      );
    case "edit":
      return detail.operation === undefined ? null : (
        <EditDialog
          operation={detail.operation}
          onConfirm={async (operation, comment) => {
            const { summary } = await api.proposeEdit(id, { requestDigest, operation, comment });
            feed.learn(summary);
            navigation.go(requestPath(summary.id));
          }}
          onClose={onClose}
        />
      );
    case "revoke":
      return (
        <RevokeDialog
          detail={detail}
          onConfirm={(reason) => onChange(() => api.revoke(id, reason), "Revoked")}
          onClose={onClose}
        />
      );
    case "resolve":
      return (
        <ResolveDialog
          onConfirm={(happened, reason) => onChange(() => api.resolve(id, happened, reason), "Recorded")}
          onClose={onClose}
        />
      );
    case "lock":
      return (
        <LockDialog
          start={{ type: "principal", issuer: principal.issuer, subject: principal.subject }}
          onConfirm={(target, reason) => api.lock(target, reason)}
          onClose={onClose}
        />
      );
  }
}
