import type { LogMark } from '../../ipc/client';

/** Divides a part of a line's text, which begins at `start` of it, at the places that are marked. */
export function pieces(text: string, start: number, marks: readonly LogMark[]): { text: string; hit: boolean }[] {
  const found: { text: string; hit: boolean }[] = [];
  let at = 0;
  for (const mark of marks) {
    const [from, to] = [Math.max(at, mark.from - start), Math.min(text.length, mark.to - start)];
    if (to <= from) continue;
    if (from > at) found.push({ text: text.slice(at, from), hit: false });
    found.push({ text: text.slice(from, to), hit: true });
    at = to;
  }
  if (at < text.length) found.push({ text: text.slice(at), hit: false });
  return found;
}
