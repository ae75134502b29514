import type { ReactNode } from "react";

/** A list without anything in it: said in words, so that it is not taken for one that was not read. */
export function Empty({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      <p>{children}</p>
    </div>
  );
}
