import { useMemo, useState } from "react";
import type { Operation, OperationOf, Parameter } from "../api/operation.ts";
import { exactText, findings } from "../display/exact-text.ts";
import { valueWords } from "../display/grant-words.ts";
import { type Change, changedParts } from "../display/operation-changes.ts";
import { fieldsOf } from "../display/operation-fields.ts";
import { Button } from "../ui/button.tsx";
import { Choice } from "../ui/choice.tsx";
import { Exact } from "../ui/exact.tsx";
import { LongField } from "../ui/field.tsx";
import { ActionDialog } from "./action-dialog.tsx";
import { DifferenceBlock } from "./difference-block.tsx";
import { FindingsNotice } from "./findings-notice.tsx";

/** Proposing another operation in the place of the one that is held: written first, compared before it is sent. */
export function EditDialog(props: {
  readonly operation: Operation;
  readonly onConfirm: (operation: Operation, comment: string) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const old = props.operation;
  const [operation, setOperation] = useState(old);
  const changes = useMemo(() => changedParts(old, operation), [old, operation]);
  return (
    <ActionDialog
      title="Propose an edit"
      look="wide"
      reason={{ label: "Why (recorded; the agent is told)", required: true }}
      confirm={{ label: "Send the edit", look: "approve" }}
      notReady={changes.length > 0 ? "" : "Change something first."}
      onConfirm={(comment) => props.onConfirm(operation, comment)}
      onClose={props.onClose}
    >
      <p>
        What you write takes the place of what the agent asked for. Policy decides on it anew, and it runs only after votes of its
        own.
      </p>
      {fieldsOf(operation).map(({ label, text, set }, index) => (
        <LongField
          key={label}
          exact
          label={label}
          rows={rowsOf(fieldsOf(old)[index]?.text ?? "")}
          value={text}
          onChange={(written) => setOperation(set(written))}
        />
      ))}
      {operation.kind === "postgres.query" && <ParameterFields operation={operation} onChange={setOperation} />}
      <section className="comparison" aria-label="What you change">
        <h3>What you change</h3>
        {changes.length === 0 && <p className="aside">Nothing yet.</p>}
        <FindingsNotice findings={findings(changes.flatMap(({ after }) => exactText(after)))} />
        {changes.map((change) => (
          <Comparison key={change.name} {...change} />
        ))}
      </section>
    </ActionDialog>
  );
}

function rowsOf(text: string): number {
  const lines = text.split("\n").length;
  return lines === 1 && text.length < 60 ? 1 : Math.min(14, Math.max(4, lines + 1));
}

function ParameterFields(props: {
  readonly operation: OperationOf["postgres.query"];
  readonly onChange: (operation: Operation) => void;
}) {
  const { operation } = props;
  const { parameters } = operation;
  const change = (changed: readonly Parameter[]) => props.onChange({ ...operation, parameters: changed });
  return (
    <>
      {parameters.map((parameter, index) => (
        <ParameterEditor
          key={index}
          name={`$${index + 1}`}
          parameter={parameter}
          onChange={(one) => change(parameters.map((other, at) => (at === index ? one : other)))}
        />
      ))}
      <div className="field-row">
        <Button onPress={() => change([...parameters, { type: "text", value: "" }])}>Add ${parameters.length + 1}</Button>
        {parameters.length > 0 && <Button onPress={() => change(parameters.slice(0, -1))}>Remove ${parameters.length}</Button>}
      </div>
    </>
  );
}

function Comparison({ name, before, after, short }: Change) {
  if (!short) return <DifferenceBlock label={`The ${name.toLowerCase()}, old and new`} before={before} after={after} />;
  return (
    <dl className="changed-values">
      <div className="row">
        <dt>
          <code>
            <Exact text={name} />
          </code>
        </dt>
        <dd>
          <del>
            <Exact text={before} />
          </del>{" "}
          <ins>
            <Exact text={after} />
          </ins>
        </dd>
      </div>
    </dl>
  );
}

const forms = { text: "text", null: "NULL" } as const;

function ParameterEditor(props: {
  readonly name: string;
  readonly parameter: Parameter;
  readonly onChange: (parameter: Parameter) => void;
}) {
  const { name, parameter } = props;
  if (parameter.type === "binary") {
    return (
      <p className="aside">
        <code>{name}</code> stays {valueWords(parameter)}.
      </p>
    );
  }
  return (
    <div className="field-row parameter-editor">
      <Choice
        label={`${name} is`}
        value={parameter.type}
        options={forms}
        onChange={(type) => props.onChange(type === "null" ? { type } : { type, value: "" })}
      />
      {parameter.type === "text" && (
        <LongField
          exact
          rows={1}
          label={`Value of ${name}`}
          value={parameter.value}
          onChange={(value) => props.onChange({ type: "text", value })}
        />
      )}
    </div>
  );
}
