import type { ReactNode } from "react";
import { Icon } from "./icon.tsx";

/** Something that has to be noticed. `live`: it came up while the page was open, and screen readers are told at once. */
export function Notice(props: {
  readonly tone: "danger" | "caution" | "plain" | "good";
  readonly title: ReactNode;
  readonly children?: ReactNode;
  readonly live?: boolean;
}) {
  return (
    <div className={`notice notice-${props.tone}`} {...(props.live ? { role: "alert" } : {})}>
      {props.tone === "good" ? <Icon name="check" /> : props.tone === "plain" ? null : <Icon name="warning" />}
      <div>
        <p className="notice-title">{props.title}</p>
        {props.children}
      </div>
    </div>
  );
}
