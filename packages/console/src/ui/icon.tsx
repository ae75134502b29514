const paths = {
  mark: "M3 12.5l4.5 4.5L15 7.5M10.5 15l2 2L21 6",
  check: "M5 12.5l4.5 4.5L19 7",
  cross: "M6 6l12 12M18 6L6 18",
  warning: "M12 4L2.5 20h19L12 4zM12 10v5M12 17.5v.5",
  copy: "M9 9h10v11H9zM5 15V4h10",
  moon: "M19 14.5A7.5 7.5 0 019.5 5a7.5 7.5 0 109.5 9.5z",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  auto: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 4v16",
  bell: "M6 17V11a6 6 0 1112 0v6l1.5 2h-15L6 17zM10 21h4",
  back: "M14 6l-6 6 6 6",
} as const;

/** A line drawing of 1 em, decoration only: what it means is said in words beside it. */
export function Icon({ name }: { readonly name: keyof typeof paths }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
