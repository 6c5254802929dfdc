import type { Action } from 'svelte/action';

/** What the height depends on, and the most it may be. */
interface Fit {
  text: string;
  most: () => number;
}

/** Keeps a field as high as its text. The height goes in through CSSOM, as the policy of the window asks. */
export const fit: Action<HTMLTextAreaElement, Fit> = (area, { most }) => {
  // Only another width asks for another height: measuring collapses the field for a moment, and what is above moves.
  let width = area.clientWidth;

  function measure(): void {
    const highest = most();
    area.style.height = 'auto';
    area.style.height = `${Math.min(highest, area.scrollHeight)}px`;
    area.style.overflowY = area.scrollHeight > highest ? 'auto' : 'hidden';
  }

  const observer = new ResizeObserver(() => {
    if (area.clientWidth === width) return;
    width = area.clientWidth;
    measure();
  });
  measure();
  observer.observe(area);
  return { update: measure, destroy: () => observer.disconnect() };
};
