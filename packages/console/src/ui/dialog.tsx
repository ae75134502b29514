import { type ReactNode, useEffect, useRef } from "react";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";

/** A modal dialog: the browser's own, with its focus trap and Escape. */
export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** `wide` for statements; `danger` for what is loud. */
  readonly look?: "wide" | "danger" | undefined;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className={props.look ? `dialog dialog-${props.look}` : "dialog"}
      aria-labelledby="dialog-title"
      onClose={props.onClose}
    >
      <header>
        <h2 id="dialog-title">{props.title}</h2>
        <Button look="quiet" aria-label="Close" onPress={() => dialog.current?.close()}>
          <Icon name="cross" />
        </Button>
      </header>
      {props.children}
    </dialog>
  );
}
