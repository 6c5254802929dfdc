/** Moves the focus to the next landmark of the window, or the one before. */
export function nextLandmark(by: 1 | -1): void {
  const marks = [...document.querySelectorAll<HTMLElement>('[data-landmark]')].filter((mark) => mark.offsetParent !== null);
  if (marks.length === 0) return;
  // The innermost: a part may stand within another.
  const at = marks.findLastIndex((mark) => mark.contains(document.activeElement));
  const to = marks[at < 0 ? 0 : (at + by + marks.length) % marks.length];
  if (to) (within(to) ?? to).focus();
}

/** What in a part of the window the keys work on: its list, its log, its current place. */
function within(part: HTMLElement): HTMLElement | undefined {
  return [...part.querySelectorAll<HTMLElement>('[role="listbox"], [role="log"], [aria-current="page"]')].find((node) => node.tabIndex >= 0 && node.checkVisibility());
}
