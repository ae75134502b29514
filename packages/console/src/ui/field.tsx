import type { HTMLInputTypeAttribute, ReactNode, Ref } from "react";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { Text } from "react-aria-components/Text";
import { TextArea } from "react-aria-components/TextArea";
import { TextField } from "react-aria-components/TextField";

interface FieldProps {
  readonly label: ReactNode;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** What is wrong with it; empty when nothing is. */
  readonly mistake?: string | undefined;
  readonly hint?: ReactNode;
  readonly isDisabled?: boolean;
}

/** A field of one line. */
export function Field({
  type = "text",
  inputMode,
  ref,
  list,
  ...props
}: FieldProps & {
  readonly type?: HTMLInputTypeAttribute;
  readonly inputMode?: "numeric" | "decimal";
  readonly ref?: Ref<HTMLInputElement>;
  /** Id of a datalist. */
  readonly list?: string;
}) {
  return (
    <Frame {...props} type={type}>
      <Input
        className="input"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck="false"
        {...(inputMode ? { inputMode } : {})}
        {...(ref ? { ref } : {})}
        {...(list ? { list } : {})}
      />
    </Frame>
  );
}

/** A field of several lines. */
export function LongField({
  rows = 3,
  exact = false,
  ref,
  ...props
}: FieldProps & {
  readonly rows?: number;
  /** In the type of statements. */
  readonly exact?: boolean;
  readonly ref?: Ref<HTMLTextAreaElement>;
}) {
  return (
    <Frame {...props} type="text">
      <TextArea
        rows={rows}
        className={exact ? "input input-exact" : "input"}
        {...(exact ? { spellCheck: "false", autoCapitalize: "off", dir: "ltr" } : {})}
        {...(ref ? { ref } : {})}
      />
    </Frame>
  );
}

function Frame(props: FieldProps & { readonly type: string; readonly children: ReactNode }) {
  const wrong = props.mistake !== undefined && props.mistake !== "";
  return (
    <TextField
      className="field"
      type={props.type}
      value={props.value}
      onChange={props.onChange}
      isInvalid={wrong}
      isDisabled={props.isDisabled ?? false}
    >
      <Label>{props.label}</Label>
      {props.children}
      {(wrong || props.hint !== undefined) && (
        <Text slot="description" className={wrong ? "field-hint field-wrong" : "field-hint"}>
          {wrong ? props.mistake : props.hint}
        </Text>
      )}
    </TextField>
  );
}
