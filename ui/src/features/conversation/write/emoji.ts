import type { Language } from '../../../i18n/index.svelte';

export const groups = ['faces', 'people', 'feelings', 'nature', 'food', 'places', 'office', 'signs'] as const;
export type Group = (typeof groups)[number];

/** An emoji with its words in each language. */
export interface Emoji {
  sign: string;
  words: Record<Language, string>;
}

export type Emojis = ReadonlyMap<Group, readonly Emoji[]>;

let loaded: Emojis | undefined;

/** All emoji; read when somebody first asks for them. */
export async function emojis(): Promise<Emojis> {
  if (loaded) return loaded;
  const { data } = await import('./emojiData');
  loaded = new Map(groups.map((group) => [group, read(data[group])]));
  return loaded;
}

const read = (lines: string): Emoji[] =>
  lines.trim().split('\n').map((line) => {
    const [sign = '', uk = '', en = '', pl = ''] = line.split('|');
    return { sign, words: { uk, en, pl } };
  });

/** As words are compared: without case, accents, and the many apostrophes. */
const plain = (words: string): string => words.toLowerCase().normalize('NFD').replace(/[\p{M}'’ʼ`]/gu, '').replace(/ł/g, 'l');

const says = (words: string, wanted: readonly string[]): boolean => {
  const own = plain(words).split(/\s+/);
  return wanted.every((part) => own.some((word) => word.startsWith(part)));
};

/** Emoji whose words begin as what is looked for; in the other languages only where the window's has none. */
export function foundIn(all: Emojis, text: string, language: Language): Emoji[] {
  const wanted = plain(text).split(/\s+/).filter(Boolean);
  const list = [...all.values()].flat();
  const own = list.filter((emoji) => says(emoji.words[language], wanted));
  return own.length > 0 ? own : list.filter((emoji) => Object.values(emoji.words).some((words) => says(words, wanted)));
}

const KEY = 'skrynka.emoji';
const RECENT = 16;

/** Emoji that were used last, the latest first. Kept by the window itself. */
export function recent(): string[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '[]') as unknown;
    return Array.isArray(kept) ? kept.filter((sign): sign is string => typeof sign === 'string').slice(0, RECENT) : [];
  } catch {
    return [];
  }
}

export function used(sign: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([sign, ...recent().filter((other) => other !== sign)].slice(0, RECENT)));
  } catch {
    // Without storage there are no recent ones.
  }
}
