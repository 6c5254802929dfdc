import type { IconName } from '../../../components/icons';
import type { Key } from '../../../i18n/index.svelte';
import { type Sign, linked, toggled, type } from './typing';

/** A way to show words in another way, by menu and by key, as in Telegram's own programs. */
export interface Mark {
  name: Extract<Key, `write.${string}`>;
  icon: IconName;
  /** Null for a link. */
  sign: Sign | null;
  code: string;
  shift: boolean;
  cap: string;
}

export const marks: readonly Mark[] = [
  { name: 'write.bold', icon: 'bold', sign: '**', code: 'KeyB', shift: false, cap: 'Ctrl B' },
  { name: 'write.italic', icon: 'italic', sign: '__', code: 'KeyI', shift: false, cap: 'Ctrl I' },
  { name: 'write.strike', icon: 'strike', sign: '~~', code: 'KeyX', shift: true, cap: 'Ctrl ⇧ X' },
  { name: 'write.code', icon: 'code', sign: '`', code: 'KeyM', shift: true, cap: 'Ctrl ⇧ M' },
  { name: 'write.link', icon: 'link', sign: null, code: 'KeyK', shift: false, cap: 'Ctrl K' },
  { name: 'write.spoiler', icon: 'eyeoff', sign: '||', code: 'KeyP', shift: true, cap: 'Ctrl ⇧ P' },
];

/** What a channel can show. */
export const marksOf = (spoilers: boolean): readonly Mark[] => marks.filter(({ sign }) => spoilers || sign !== '||');

export function apply(mark: Mark, area: HTMLTextAreaElement): void {
  const { value, selectionStart, selectionEnd } = area;
  type(area, mark.sign === null ? linked(value, selectionStart, selectionEnd) : toggled(value, selectionStart, selectionEnd, mark.sign));
}

/** Whether a press is Ctrl, or Cmd, with a physical key. */
export const isChord = (event: KeyboardEvent, code: string, shift: boolean): boolean => event.code === code && event.shiftKey === shift && (event.ctrlKey || event.metaKey) && !event.altKey;

/** Does what a press in a field asks for; says whether it did. */
export function markByKey(event: KeyboardEvent, area: HTMLTextAreaElement, spoilers: boolean): boolean {
  const mark = marksOf(spoilers).find(({ code, shift }) => isChord(event, code, shift));
  if (!mark || area.readOnly || area.disabled) return false;
  event.preventDefault();
  event.stopPropagation();
  apply(mark, area);
  return true;
}
