import { useState } from "react";
import { Radios } from "../ui/radios.tsx";
import { ActionDialog } from "./action-dialog.tsx";

type Answer = "" | "happened" | "did-not";

/** Saying what became of a request whose outcome is unknown. Nothing is chosen beforehand: the agent acts on the answer. */
export function ResolveDialog(props: {
  readonly onConfirm: (happened: boolean, reason: string) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const [answer, setAnswer] = useState<Answer>("");
  return (
    <ActionDialog
      title="Say what happened"
      reason={{ label: "How you know (recorded)", required: true }}
      confirm={{ label: "Record it", look: "approve" }}
      notReady={answer === "" ? "Choose what happened." : ""}
      onConfirm={(reason) => props.onConfirm(answer === "happened", reason)}
      onClose={props.onClose}
    >
      <p>Look at the target first. The agent will be told your answer, and may try again if it did not happen.</p>
      <Radios
        label="Did it take effect?"
        value={answer}
        options={{
          happened: "It happened: the target shows its effect",
          "did-not": "It did not happen: nothing was changed",
        }}
        onChange={setAnswer}
      />
    </ActionDialog>
  );
}
