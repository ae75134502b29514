import { useId } from "react";

/** One of a few, all in sight. */
export function Radios<Key extends string>(props: {
  readonly label: string;
  readonly value: Key | "";
  readonly options: Readonly<Record<Exclude<Key, "">, string>>;
  readonly onChange: (value: Exclude<Key, "">) => void;
}) {
  const name = useId();
  const keys = Object.keys(props.options).filter((key): key is Exclude<Key, ""> => Object.hasOwn(props.options, key));
  return (
    <fieldset className="radios">
      <legend>{props.label}</legend>
      {keys.map((key) => (
        <label key={key} className="radio">
          <input type="radio" name={name} checked={props.value === key} onChange={() => props.onChange(key)} />
          <span>{props.options[key]}</span>
        </label>
      ))}
    </fieldset>
  );
}
