import type { Template } from '../../ipc/client';

/** The most characters that each part of a template may have. */
export const LONGEST = { name: 100, shortcut: 32, body: 10_000 } as const;

export interface Faults {
  name?: 'empty' | 'long' | 'sign';
  shortcut?: 'long' | 'sign' | 'taken';
  body?: 'empty' | 'long';
}

/** What keeps a template from being saved, as the program sees it. */
export function faultsOf(draft: Template, others: readonly Template[]): Faults {
  const faults: Faults = {};
  const count = (text: string) => [...text].length;
  const name = draft.name.trim();
  const shortcut = cleanShortcut(draft.shortcut ?? '');
  if (name === '') faults.name = 'empty';
  else if (count(name) > LONGEST.name) faults.name = 'long';
  else if (/\p{Cc}/u.test(name)) faults.name = 'sign';
  if (count(shortcut) > LONGEST.shortcut) faults.shortcut = 'long';
  else if (!/^[\p{Alphabetic}\p{N}_-]*$/u.test(shortcut)) faults.shortcut = 'sign';
  else if (shortcut !== '' && others.some((other) => other.id !== draft.id && other.shortcut === shortcut)) faults.shortcut = 'taken';
  if (draft.body.trim() === '') faults.body = 'empty';
  else if (count(draft.body) > LONGEST.body) faults.body = 'long';
  return faults;
}

/** A shortcut as it is kept: without the slash that it is typed with, in lower case. */
export const cleanShortcut = (typed: string): string => typed.trim().replace(/^\//, '').toLowerCase();
