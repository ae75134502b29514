import { useId, useState } from "react";
import type { LockTarget } from "../api/model.ts";
import { useFeed, useServices } from "../services.ts";
import { Choice } from "../ui/choice.tsx";
import { Exact } from "../ui/exact.tsx";
import { Field } from "../ui/field.tsx";
import { ActionDialog } from "./action-dialog.tsx";

const kinds = {
  principal: "an agent",
  approver: "an approver",
  resource: "a resource",
} as const satisfies Record<LockTarget["type"], string>;

const effects = {
  principal: "Nothing that it asks for is sent any more, what waits is ended, and what runs is asked to stop.",
  approver: "Their votes count no more, what depends on them is ended, and they cannot decide or delegate.",
  resource: "Nothing is sent to it any more, whoever asks. What waits is ended, and what runs is asked to stop.",
} as const satisfies Record<LockTarget["type"], string>;

/** Locking an agent, an approver or a resource. */
export function LockDialog(props: {
  /** What is filled in. */
  readonly start?: LockTarget;
  readonly onConfirm: (target: LockTarget, reason: string) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const { start } = props;
  const { announcer } = useServices();
  const { requests } = useFeed();
  const known = [...requests.values()];
  const listId = useId();
  const [type, setType] = useState<LockTarget["type"]>(start?.type ?? "principal");
  const startName = start === undefined ? "" : start.type === "resource" ? start.resource : start.subject;
  const startIssuer = start?.type === "principal" ? start.issuer : "";
  const [name, setName] = useState(startName);
  const [issuer, setIssuer] = useState(startIssuer);
  const names = {
    principal: known.map((one) => one.principal.subject),
    approver: [],
    resource: known.map((one) => one.resource),
  };
  const rename = (to: string) => {
    setName(to);
    const issuers = new Set(known.flatMap(({ principal }) => (principal.subject === to ? [principal.issuer] : [])));
    const [only] = issuers;
    // An issuer typed wrong would lock nobody.
    if (type === "principal" && issuers.size === 1 && only !== undefined) setIssuer(only);
  };
  const exactName = typed(name, [...names[type], startName]);
  const exactIssuer = typed(issuer, [...known.map((one) => one.principal.issuer), startIssuer]);
  const missing = exactName === "" || (type === "principal" && exactIssuer === "");
  return (
    <ActionDialog
      title="Lock"
      look="danger"
      reason={{ label: "Why (recorded)", required: true, first: start !== undefined }}
      confirm={{ label: "Lock it now", look: "deny" }}
      notReady={missing ? "Say what is to be locked." : ""}
      onConfirm={async (reason) => {
        await props.onConfirm(targetOf(type, exactName, exactIssuer), reason);
        announcer.say("Locked");
      }}
      onClose={props.onClose}
    >
      <Choice label="Lock" value={type} options={kinds} onChange={setType} />
      <Field label="Name" value={name} onChange={rename} list={listId} />
      <datalist id={listId}>
        {[...new Set<string>(names[type])].map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      {type === "principal" && (
        <Field
          label="Issuer"
          value={issuer}
          onChange={setIssuer}
          hint="As in its token; “unix” for a local socket. A request's page shows it."
        />
      )}
      <p>
        {exactName !== "" && (
          <>
            <strong>
              <Exact text={exactName} />
            </strong>
            {": "}
          </>
        )}
        {effects[type]}
      </p>
    </ActionDialog>
  );
}

/** A known name is taken as it is: one that ends with a space is another one, and locking its twin locks nobody. Others are trimmed. */
function typed(text: string, known: readonly string[]): string {
  return known.includes(text) ? text : text.trim();
}

function targetOf(type: LockTarget["type"], name: string, issuer: string): LockTarget {
  switch (type) {
    case "principal":
      return { type, issuer, subject: name };
    case "approver":
      return { type, subject: name };
    case "resource":
      return { type, resource: name };
  }
}
