import type { Parameter } from "../api/operation.ts";
import type { BoundFields, BoundKind } from "../display/grant-form.ts";
import { valueWords } from "../display/grant-words.ts";
import { Choice } from "../ui/choice.tsx";
import { Exact } from "../ui/exact.tsx";
import { Field, LongField } from "../ui/field.tsx";

const kinds = {
  exact: "exactly this",
  "one-of": "one of these texts",
  range: "a number between",
  prefix: "a text that begins with",
  any: "anything but NULL",
} as const satisfies Record<BoundKind, string>;

/** What one value of a grant may be; as it opens, exactly what is approved. */
export function BoundEditor(props: {
  readonly name: string;
  readonly value: Parameter;
  readonly fields: BoundFields;
  readonly mistake: string;
  readonly onChange: (fields: BoundFields) => void;
}) {
  const { name, value, fields, mistake } = props;
  const change = (change: Partial<BoundFields>) => props.onChange({ ...fields, ...change });
  return (
    <div className={fields.kind === "exact" ? "bound" : "bound bound-open"}>
      <p className="bound-value">
        <code>{name}</code> is now <Exact text={valueWords(value)} />
      </p>
      <div className="field-row">
        <Choice
          label={`${name} may be`}
          value={fields.kind}
          options={kinds}
          onChange={(kind) => change(withValue(kind, fields, value))}
        />
        {fields.kind === "prefix" && (
          <Field label="begins with" value={fields.prefix} onChange={(prefix) => change({ prefix })} mistake={mistake} />
        )}
        {fields.kind === "range" && (
          <>
            <Field label="from" inputMode="decimal" value={fields.min} onChange={(min) => change({ min })} mistake={mistake} />
            <Field label="to" inputMode="decimal" value={fields.max} onChange={(max) => change({ max })} />
          </>
        )}
        {fields.kind === "one-of" && (
          <LongField exact label="one on each line" value={fields.list} onChange={(list) => change({ list })} mistake={mistake} />
        )}
      </div>
    </div>
  );
}

/** Begins a list with the approved value: it is the one that is surely meant. */
function withValue(kind: BoundKind, fields: BoundFields, value: Parameter): Partial<BoundFields> {
  return kind === "one-of" && fields.list === "" && value.type === "text" && !/[\r\n]/.test(value.value)
    ? { kind, list: value.value }
    : { kind };
}
