import type { MenuItem } from '../components/menu';
import { isTyping } from './keys';

/** What was pressed with the other button, or with the menu key, and what may be done with it. */
export interface Pointed {
  label: string;
  items: readonly MenuItem[];
  /** Where, in pixels of the window. */
  at: { x: number; y: number };
  /** Where the keys were. */
  keys: HTMLElement | null;
}

let now = $state.raw<Pointed | null>(null);

export const pointed = {
  get now(): Pointed | null {
    return now;
  },
};

/** Opens the menu of what was pressed. A text that is marked, a field and a link keep the system's own, to copy from. */
export function point(event: MouseEvent, label: string, items: () => readonly MenuItem[]): void {
  if (event.defaultPrevented || keepsSystemMenu(event.target)) return;
  event.preventDefault();
  const { activeElement } = document;
  now = { label, items: items(), at: placeOf(event), keys: activeElement instanceof HTMLElement && activeElement !== document.body ? activeElement : null };
}

/** Closes it; the keys go back to where they were, unless what was chosen took them. */
export function unpoint(): void {
  const was = now;
  if (was === null) return;
  now = null;
  const at = document.activeElement;
  if (was.keys?.isConnected && (at === null || at === document.body || at.closest('[role="menu"]'))) was.keys.focus({ preventScroll: true });
}

/** Whether the webview's own menu has something to offer here; elsewhere it would only reload the window. */
export function keepsSystemMenu(target: EventTarget | null): boolean {
  if (isTyping(target)) return true;
  const marked = getSelection();
  return target instanceof Node && marked !== null && !marked.isCollapsed && marked.containsNode(target, true);
}

/** With the key some webviews name the corner of what holds the keys, others nothing. */
function placeOf(event: MouseEvent): { x: number; y: number } {
  if (event.clientX > 0 || event.clientY > 0 || !(event.target instanceof Element)) return { x: event.clientX, y: event.clientY };
  const box = event.target.getBoundingClientRect();
  return { x: box.left + box.width / 2, y: box.top + Math.min(box.height / 2, 40) };
}
