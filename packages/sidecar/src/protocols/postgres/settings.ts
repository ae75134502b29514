/** Settings that a session is opened with besides its pins. Two of the same key are the same. */
export interface Settings {
  readonly values: Readonly<Record<string, string>>;
  readonly key: string;
}

/** Puts settings into one order, so that the same ones have the same key. */
export function settingsOf(values: Readonly<Record<string, string>>): Settings {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return { values: Object.fromEntries(sorted), key: JSON.stringify(sorted) };
}

/** None. */
export const noSettings: Settings = settingsOf({});
