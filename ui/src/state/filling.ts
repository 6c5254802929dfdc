/** What a template may leave open. */
export const variables = ['name', 'language', 'account', 'manager'] as const;
export type Variable = (typeof variables)[number];

/** What stands for each variable; null where it is not known. */
export type Blanks = Readonly<Record<Variable, string | null>>;

const known = /\{(name|language|account|manager)\}/g;

/** A template's text with what is known filled in. What is not known, and braces of any other kind, stay as they are. */
export const fill = (body: string, blanks: Blanks): string => body.replace(known, (all, variable: Variable) => blanks[variable]?.trim() || all);

/** The variables that still stand in a text, each once. */
export const unfilled = (text: string): string[] => [...new Set(text.match(known) ?? [])];

/** A language's name in words, in the language of the window. */
export const languageWords = (language: string): string => new Intl.DisplayNames([language], { type: 'language' }).of(language) ?? language;

/** A shortcut that was just typed before the caret, at the start of a line or after a space, and where its slash stands. */
export function shortcutBefore(text: string, caret: number): { from: number; shortcut: string } | null {
  const typed = /(?:^|\s)\/([\p{Alphabetic}\p{N}_-]{1,32})$/u.exec(text.slice(0, caret))?.[1];
  return typed === undefined ? null : { from: caret - typed.length - 1, shortcut: typed.toLowerCase() };
}
