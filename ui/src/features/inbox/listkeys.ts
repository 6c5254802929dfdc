/** Where a key takes the active row: the new index, or null when the key is not one of the list's. */
export function moved(code: string, index: number, count: number, page: number): number | null {
  const last = count - 1;
  if (last < 0) return null;
  const clamp = (to: number) => Math.max(0, Math.min(last, to));
  switch (code) {
    case 'ArrowDown':
      return clamp(index + 1);
    case 'ArrowUp':
      return index < 0 ? 0 : clamp(index - 1);
    case 'PageDown':
      return clamp(index + page);
    case 'PageUp':
      return clamp(index - page);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}
