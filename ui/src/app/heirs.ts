/** So many places are remembered that had the keys. */
const REMEMBERED = 8;

/**
 * Keeps the keys in the window: where what had them is gone, say a button that did its work, they go to what stands around
 * it, else to where they were before. Whoever puts them somewhere by themselves comes first. Ends when the answer is called.
 */
export function keepKeys(): () => void {
  let before: HTMLElement[] = [];
  let around: HTMLElement[] = [];
  let frame = 0;

  function onfocusin(event: FocusEvent): void {
    const at = event.target;
    if (!(at instanceof HTMLElement) || at === document.body) return;
    before = [at, ...before.filter((other) => other !== at && other.isConnected)].slice(0, REMEMBERED);
    around = [];
    // No farther than its part of the window.
    for (let node = at.parentElement; node !== null && node.id !== 'app'; node = node.parentElement) {
      around.push(node);
      if (node.dataset['landmark'] !== undefined) break;
    }
  }

  function look(): void {
    if (before[0] === undefined || before[0].isConnected || !isLost() || frame !== 0) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (isLost()) heir(around)?.focus({ preventScroll: true });
      before = before.filter((place) => place.isConnected);
      if (isLost()) before.find((place) => place.checkVisibility())?.focus({ preventScroll: true });
    });
  }

  const observer = new MutationObserver(look);
  observer.observe(document.body, { subtree: true, childList: true });
  document.addEventListener('focusin', onfocusin);
  return () => {
    observer.disconnect();
    document.removeEventListener('focusin', onfocusin);
    cancelAnimationFrame(frame);
  };
}

const isLost = (): boolean => document.activeElement === null || document.activeElement === document.body;

/** The innermost of what stood around that can have the keys itself, or that says in whose place they go on. */
function heir(around: readonly HTMLElement[]): HTMLElement | undefined {
  for (const node of around) {
    if (!node.isConnected || !node.checkVisibility()) continue;
    const named = node.querySelector<HTMLElement>('[data-heir]:not(:disabled)');
    if (named) return named;
    if (node.hasAttribute('tabindex')) return node;
  }
  return undefined;
}
