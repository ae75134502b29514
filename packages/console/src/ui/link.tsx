import type { AnchorHTMLAttributes, MouseEvent, Ref } from "react";
import { useServices } from "../services.ts";

/** A link to another page of the console; a modified click still opens a new tab. */
export function Link({
  href,
  onClick,
  ...props
}: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string; ref?: Ref<HTMLAnchorElement> }) {
  const { navigation } = useServices();
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigation.go(href);
  };
  return <a {...props} href={href} onClick={click} />;
}
