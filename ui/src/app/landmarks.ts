/** Moves the focus to the next landmark of the window, or the one before. */
export function nextLandmark(by: 1 | -1): void {
  const marks = [...document.querySelectorAll<HTMLElement>('[data-landmark]')].filter((mark) => mark.offsetParent !== null);
  if (marks.length === 0) return;
  const at = marks.findIndex((mark) => mark.contains(document.activeElement));
  const to = marks[at < 0 ? 0 : (at + by + marks.length) % marks.length];
  const within = to?.querySelector<HTMLElement>('[role="listbox"], [role="log"], [aria-current="page"], h1, input, button');
  const target = within && within.tabIndex >= 0 ? within : to;
  target?.focus();
}
