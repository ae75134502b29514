import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { explain } from "../api/explain.ts";
import { useServices } from "../services.ts";
import { Button, type ButtonLook } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { LongField } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";

/** At most this many bytes of a reason or comment (approver.proto). */
const reasonBytes = 4096;

/** A deliberate step in a dialog: what it does, why it is done, and one button that does it. An error is said where it was caused. */
export function ActionDialog(props: {
  readonly title: string;
  readonly look?: "wide" | "danger";
  readonly children?: ReactNode;
  /** Absent = no reason is asked for. */
  readonly reason?: { readonly label: string; readonly required: boolean; readonly first?: boolean };
  readonly confirm: { readonly label: string; readonly look: ButtonLook };
  /** Why it cannot be done yet; empty when it can. */
  readonly notReady?: string;
  readonly onConfirm: (reason: string) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const { session } = useServices();
  const [reason, setReason] = useState("");
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const [tried, setTried] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const form = useRef<HTMLDivElement>(null);
  const { first } = props.reason ?? {};
  useEffect(() => {
    // The browser would begin at the button that closes the dialog.
    const begin = first
      ? field.current
      : form.current?.querySelector<HTMLElement>("input, select, textarea, .action-buttons button");
    begin?.focus();
  }, [first]);

  const tooLong = new TextEncoder().encode(reason.trim()).length > reasonBytes;
  const missing = props.reason?.required === true && reason.trim() === "";
  const notReady = props.notReady ?? "";
  const confirm = async () => {
    if (sending) return;
    if (tooLong || missing || notReady !== "") {
      setTried(true);
      const wrong = form.current?.querySelector<HTMLElement>("[data-invalid] input, [data-invalid] textarea");
      (wrong ?? (missing ? field.current : undefined))?.focus();
      return;
    }
    setSending(true);
    setFailure(undefined);
    try {
      await props.onConfirm(reason.trim());
      props.onClose();
    } catch (error) {
      session.noticed(error);
      setFailure(error);
      setSending(false);
    }
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void confirm();
  };
  return (
    <Dialog title={props.title} onClose={props.onClose} look={props.look}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys of whatever is inside */}
      <div className="action-form" ref={form} onKeyDown={press}>
        {props.children}
        {props.reason && (
          <LongField
            ref={field}
            label={props.reason.label}
            value={reason}
            onChange={setReason}
            isDisabled={sending}
            mistake={tooLong ? `Longer than ${reasonBytes} bytes.` : tried && missing ? "Say why: it is recorded." : ""}
          />
        )}
        {tried && notReady !== "" && (
          <p className="field-wrong" role="alert">
            {notReady}
          </p>
        )}
        {failure !== undefined && <Failure failure={failure} />}
        <div className="action-buttons">
          <Button onPress={props.onClose} isDisabled={sending}>
            Back
          </Button>
          <Button look={props.confirm.look} onPress={confirm}>
            {sending ? "Sending…" : props.confirm.label}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

function Failure({ failure }: { readonly failure: unknown }) {
  const { title, detail } = explain(failure);
  return (
    <Notice tone="caution" title={title} live>
      <p>{detail}</p>
    </Notice>
  );
}
