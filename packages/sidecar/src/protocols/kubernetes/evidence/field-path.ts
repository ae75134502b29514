import type { Step } from "./field-difference.ts";

/** A path as people read it: `spec.template.spec.containers[name=web].image`. Nothing in a name can look like another step. */
export function pathText(path: readonly Step[]): string {
  return path.map(stepText).join("").replace(/^\./, "");
}

function stepText(step: Step): string {
  switch (step.at) {
    case "name":
      return /^[A-Za-z_$][\w$-]*$/.test(step.name) ? `.${step.name}` : `[${JSON.stringify(step.name)}]`;
    case "element":
      return `[${step.key.map(([name, value]) => `${name}=${keyText(value)}`).join(",")}]`;
    case "index":
      return `[${step.index}]`;
    case "order":
      return " (order)";
  }
}

function keyText(value: unknown): string {
  return typeof value === "string" && /^[\w./-]+$/.test(value) ? value : JSON.stringify(value);
}
