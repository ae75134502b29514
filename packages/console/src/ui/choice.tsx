import { useId } from "react";

/** One of a few, the browser's own list. */
export function Choice<Key extends string>(props: {
  readonly label: string;
  readonly value: Key;
  readonly options: Readonly<Record<Key, string>>;
  readonly onChange: (value: Key) => void;
}) {
  const id = useId();
  const keys = Object.keys(props.options).filter((key): key is Key => Object.hasOwn(props.options, key));
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        className="input"
        value={props.value}
        onChange={({ target }) => {
          const chosen = keys.find((key) => key === target.value);
          if (chosen !== undefined) props.onChange(chosen);
        }}
      >
        {keys.map((key) => (
          <option key={key} value={key}>
            {props.options[key]}
          </option>
        ))}
      </select>
    </div>
  );
}
