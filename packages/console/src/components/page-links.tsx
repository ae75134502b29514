import { type FocusEvent, type KeyboardEvent, useRef, useState } from "react";
import { useServices, useWaiting } from "../services.ts";
import { Link } from "../ui/link.tsx";

const more = [
  ["/grants", "Grants"],
  ["/locks", "Locks"],
  ["/delegations", "Delegations"],
  ["/reviews", "Reviews"],
  ["/sessions", "Sessions"],
] as const;

/** The pages. On a narrow screen all but the two that are used most are behind a button, and so is signing out. */
export function PageLinks({ path }: { readonly path: string }) {
  const { session } = useServices();
  const waiting = useWaiting();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const here = more.some(([href]) => href === path);
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    setOpen(false);
    button.current?.focus();
  };
  const leave = (event: FocusEvent) => {
    if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
  };
  return (
    <nav aria-label="Pages" onKeyDown={press} onBlur={leave}>
      <Link href="/" aria-current={path === "/" ? "page" : undefined}>
        Inbox
        {waiting > 0 && (
          <span className="count">
            {waiting}
            <span className="visually-hidden"> waiting for you</span>
          </span>
        )}
      </Link>
      <Link href="/history" aria-current={path === "/history" ? "page" : undefined}>
        History
      </Link>
      <button
        ref={button}
        type="button"
        className={here ? "more-button more-button-here" : "more-button"}
        aria-expanded={open}
        aria-controls="more-pages"
        onClick={() => setOpen(!open)}
      >
        More
        <span aria-hidden="true"> ▾</span>
      </button>
      <div id="more-pages" className={open ? "more-pages more-pages-open" : "more-pages"}>
        {more.map(([href, label]) => (
          <Link key={href} href={href} aria-current={path === href ? "page" : undefined} onClick={() => setOpen(false)}>
            {label}
          </Link>
        ))}
        <button type="button" className="more-sign-out" onClick={() => session.signOut()}>
          Sign out
        </button>
      </div>
    </nav>
  );
}
