import type { uk } from './uk';

/** A message that depends on a number `n`: one text for each CLDR category the language has. */
export interface Plural {
  readonly one: string;
  readonly few?: string;
  readonly many?: string;
  readonly other: string;
}

type Master = typeof uk;

/** The name of a message. */
export type Key = keyof Master;

/** A language: every message of the master, plural where the master is. */
export type Catalogue = { readonly [K in Key]: Master[K] extends string ? string : Plural };

type Names<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type NamesOf<M> = M extends string ? Names<M> : 'n' | Names<M[keyof M]>;

/** The values a message wants; numbers are written the way of the language. */
export type Arguments<K extends Key> = [NamesOf<Master[K]>] extends [never]
  ? []
  : [values: Record<NamesOf<Master[K]>, string | number>];

export const languages = ['uk', 'en', 'pl'] as const;

/** A language the window speaks. */
export type Language = (typeof languages)[number];

/** What each language calls itself. */
export const languageNames: Record<Language, string> = { uk: 'Українська', en: 'English', pl: 'Polski' };

/** The window's language for a system's tag such as `uk-UA`; English where none of ours is spoken. */
export function languageFor(tag: string | undefined): Language {
  const base = tag?.toLowerCase().split(/[-_.]/)[0];
  return languages.find((language) => language === base) ?? 'en';
}
