import { useState } from "react";
import type { Operation, Parameter } from "../api/model.ts";
import { exactText, findings } from "../display/exact-text.ts";
import { valueWords } from "../display/grant-words.ts";
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
  const isChanged = !same(old, operation);
  const setParameter = (index: number, parameter: Parameter) =>
    setOperation({ ...operation, parameters: operation.parameters.map((one, at) => (at === index ? parameter : one)) });
  return (
    <ActionDialog
      title="Propose an edit"
      look="wide"
      reason={{ label: "Why (recorded; the agent is told)", required: true }}
      confirm={{ label: "Send the edit", look: "approve" }}
      notReady={isChanged ? "" : "Change something first."}
      onConfirm={(comment) => props.onConfirm(operation, comment)}
      onClose={props.onClose}
    >
      <p>
        What you write takes the place of what the agent asked for. Policy decides on it anew, and it runs only after votes of its
        own.
      </p>
      <LongField
        exact
        label="Statement"
        rows={Math.min(14, Math.max(4, old.statement.split("\n").length + 1))}
        value={operation.statement}
        onChange={(statement) => setOperation({ ...operation, statement })}
      />
      {operation.parameters.map((parameter, index) => (
        <ParameterEditor key={index} name={`$${index + 1}`} parameter={parameter} onChange={(one) => setParameter(index, one)} />
      ))}
      <div className="field-row">
        <Button
          onPress={() => setOperation({ ...operation, parameters: [...operation.parameters, { type: "text", value: "" }] })}
        >
          Add ${operation.parameters.length + 1}
        </Button>
        {operation.parameters.length > 0 && (
          <Button onPress={() => setOperation({ ...operation, parameters: operation.parameters.slice(0, -1) })}>
            Remove ${operation.parameters.length}
          </Button>
        )}
      </div>
      <section className="comparison" aria-label="What you change">
        <h3>What you change</h3>
        {isChanged ? <Comparison before={old} after={operation} /> : <p className="aside">Nothing yet.</p>}
      </section>
    </ActionDialog>
  );
}

function Comparison({ before, after }: { readonly before: Operation; readonly after: Operation }) {
  const length = Math.max(before.parameters.length, after.parameters.length);
  const changed = Array.from({ length }, (_, index) => index).filter(
    (index) => inWords(before.parameters[index]) !== inWords(after.parameters[index]),
  );
  const texts = [after.statement, ...after.parameters.map((one) => (one.type === "text" ? one.value : ""))];
  return (
    <>
      <FindingsNotice findings={findings(texts.flatMap((text) => exactText(text)))} />
      {before.statement === after.statement ? (
        <p className="aside">The statement stays as it is.</p>
      ) : (
        <DifferenceBlock label="The statement, old and new" before={before.statement} after={after.statement} />
      )}
      {changed.length > 0 && (
        <dl className="changed-values">
          {changed.map((index) => (
            <div key={index} className="row">
              <dt>
                <code>${index + 1}</code>
              </dt>
              <dd>
                <del>
                  <Exact text={inWords(before.parameters[index])} />
                </del>{" "}
                <ins>
                  <Exact text={inWords(after.parameters[index])} />
                </ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </>
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

function inWords(parameter: Parameter | undefined): string {
  return parameter === undefined ? "not given" : valueWords(parameter);
}

function same(a: Operation, b: Operation): boolean {
  return (
    a.statement === b.statement &&
    a.parameters.length === b.parameters.length &&
    // Bytes cannot be edited here: they are the same object.
    a.parameters.every((one, index) => one === b.parameters[index] || isSameText(one, b.parameters[index]))
  );
}

function isSameText(a: Parameter, b: Parameter | undefined): boolean {
  if (a.type === "text") return b?.type === "text" && a.value === b.value;
  return a.type === "null" && b?.type === "null";
}
