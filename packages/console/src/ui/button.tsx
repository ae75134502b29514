import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps } from "react-aria-components/Button";

/** How a button looks: `approve` and `deny` are kept for what decides or ends something. */
export type ButtonLook = "plain" | "quiet" | "approve" | "deny";

/** A button of the console. */
export function Button({
  look = "plain",
  className,
  ...props
}: ButtonProps & { look?: ButtonLook; className?: string; children: ReactNode }) {
  return <AriaButton {...props} className={`button button-${look}${className === undefined ? "" : ` ${className}`}`} />;
}
