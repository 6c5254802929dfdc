import type { Action } from 'svelte/action';

/** What the height depends on, and the most it may be. */
interface Fit {
  text: string;
  most: () => number;
}

/**
 * Keeps a field as high as its text. The height goes in through CSSOM, as the policy of the window asks. A copy that
 * nobody sees is measured: to collapse the field itself would lay out, and draw, all that stands above it at every key.
 */
export const fit: Action<HTMLTextAreaElement, Fit> = (area, { most }) => {
  const unseen = document.createElement('div');
  unseen.className = 'vh';
  unseen.setAttribute('aria-hidden', 'true');
  const copy = document.createElement('textarea');
  copy.className = area.className;
  copy.rows = 1;
  copy.disabled = true;
  Object.assign(copy.style, { height: '0', minHeight: '0', visibility: 'hidden', overflowY: 'hidden' });
  unseen.append(copy);
  area.after(unseen);
  let width = 0;
  let height = '';

  function measure(): void {
    const highest = most();
    if (area.offsetWidth !== width) {
      width = area.offsetWidth;
      const { paddingLeft, paddingRight } = getComputedStyle(area);
      // Room that is told in parts of the width is told in parts of another one here.
      Object.assign(copy.style, { width: `${width}px`, paddingLeft, paddingRight });
    }
    copy.value = area.value;
    const needed = copy.scrollHeight;
    const overflow = needed > highest ? 'auto' : 'hidden';
    const wanted = `${Math.min(highest, needed)}px`;
    if (wanted !== height) area.style.height = height = wanted;
    if (area.style.overflowY !== overflow) area.style.overflowY = overflow;
  }

  const observer = new ResizeObserver(() => {
    if (area.offsetWidth !== width) measure();
  });
  measure();
  observer.observe(area);
  return {
    update: measure,
    destroy: () => {
      observer.disconnect();
      unseen.remove();
    },
  };
};
