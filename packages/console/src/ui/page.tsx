import { type ReactNode, useEffect, useRef } from "react";
import { useWaiting } from "../services.ts";

let firstPage = true;

/**
 * The frame of a page: the window's title, and a heading that gets the focus when one navigates to the page, so that a screen reader
 * begins there. Not on the first load: the browser begins at the top by itself.
 */
export function Page(props: {
  readonly title: string;
  readonly heading: ReactNode;
  readonly className: string;
  readonly children: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!firstPage) heading.current?.focus({ preventScroll: true });
    firstPage = false;
  }, []);
  const waiting = useWaiting();
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${props.title} · Countersign`;
  }, [props.title, waiting]);
  return (
    <main id="content" className={`page ${props.className}`}>
      <h1 ref={heading} tabIndex={-1}>
        {props.heading}
      </h1>
      {props.children}
    </main>
  );
}
