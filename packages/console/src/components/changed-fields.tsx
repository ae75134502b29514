import type { FieldChange, FieldChanges } from "../api/model.ts";
import { plural } from "../display/time.ts";
import { Exact } from "../ui/exact.tsx";

/** The fields of an object that would be different, each with what it is and what it would be. */
export function ChangedFields({ changes }: { readonly changes: FieldChanges }) {
  const { fields, more } = changes;
  if (fields.length === 0) return null;
  return (
    <div className="fields">
      <h3 id="fields-heading">Field by field, as it is and as it would be</h3>
      <ul aria-labelledby="fields-heading">
        {fields.map((field, index) => (
          <Field key={index} field={field} />
        ))}
      </ul>
      {more > 0 && <p className="sample-note">… and {plural(more, "more field")} that are not listed.</p>}
    </div>
  );
}

function Field({ field: { path, before, after } }: { readonly field: FieldChange }) {
  const kind = before === undefined ? "new" : after === undefined ? "removed" : "changed";
  return (
    <li className={`field-${kind}`}>
      <p className="field-path">
        <Exact text={path} />
        <span className="field-kind">{kind}</span>
      </p>
      <p className="field-sides">
        {before !== undefined && (
          <span>
            <span className="visually-hidden">now </span>
            <del>
              <Exact text={before} />
            </del>
          </span>
        )}
        {after !== undefined && (
          <span>
            <span aria-hidden="true">{before !== undefined && "→"}</span>
            <span className="visually-hidden">afterwards </span>
            <ins>
              <Exact text={after} />
            </ins>
          </span>
        )}
      </p>
    </li>
  );
}
