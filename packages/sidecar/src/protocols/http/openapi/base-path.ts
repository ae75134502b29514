import type { Server } from "./document.ts";

/** Where a document says that an operation is: an origin and the path that stands before its own. */
export interface Base {
  readonly origin: string;
  /** `""`, or `/v1`. */
  readonly path: string;
}

/** So many ways to fill in the variables of one URL are looked at. */
const mostForms = 100;

/** The places that a server's URL means, with every value that its variables may have; relative to `origin` (OpenAPI 3.1 §4.8.5). */
export function basesOf({ url, variables = {} }: Server, origin: string): readonly Base[] {
  let forms = [url];
  for (const [name, { default: usual, enum: values = [usual] }] of Object.entries(variables))
    forms = forms
      .flatMap((form) =>
        form.includes(`{${name}}`)
          ? [...new Set([usual, ...values])].map((value) => form.replaceAll(`{${name}}`, value))
          : [form],
      )
      .slice(0, mostForms);
  return forms.flatMap((form) => {
    if (!URL.canParse(form, origin)) return [];
    const { origin: at, pathname } = new URL(form, origin);
    return [{ origin: at, path: pathname.replace(/\/+$/, "") }];
  });
}
