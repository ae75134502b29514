import { useState } from "react";
import { Button } from "../ui/button.tsx";
import { Icon } from "../ui/icon.tsx";

const next = { auto: "light", light: "dark", dark: "auto" } as const;
const icon = { auto: "auto", light: "sun", dark: "moon" } as const;
const words = { auto: "as the system", light: "light", dark: "dark" } as const;

type Theme = keyof typeof next;

/** Switches between the system's colours, light and dark. `public/theme.js` applies the choice before the first paint. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState<Theme>(() => {
    const stored = document.documentElement.dataset.theme;
    return stored === "light" || stored === "dark" ? stored : "auto";
  });
  const change = () => {
    const chosen = next[theme];
    setTheme(chosen);
    if (chosen === "auto") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem("countersign.theme");
    } else {
      document.documentElement.dataset.theme = chosen;
      localStorage.setItem("countersign.theme", chosen);
    }
  };
  return (
    <Button look="quiet" aria-label={`Colours: ${words[theme]}. Change to ${words[next[theme]]}`} onPress={change}>
      <Icon name={icon[theme]} />
    </Button>
  );
}
