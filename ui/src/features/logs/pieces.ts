import type { LogMark } from '../../ipc/client';

/** A stretch that is marked: what is looked for, or the word of that number among those that are always marked. */
export interface Mark extends LogMark {
  word: number | null;
}

export interface Piece {
  text: string;
  mark: Mark | null;
}

/** Divides a part of a line's text, which begins at `start` of it, at the places that are marked. Of two that overlap the earlier one counts. */
export function pieces(text: string, start: number, marks: readonly Mark[]): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const mark of marks) {
    const [from, to] = [Math.max(at, mark.from - start), Math.min(text.length, mark.to - start)];
    if (to <= from) continue;
    if (from > at) found.push({ text: text.slice(at, from), mark: null });
    found.push({ text: text.slice(from, to), mark });
    at = to;
  }
  if (at < text.length) found.push({ text: text.slice(at), mark: null });
  return found;
}

/** Where what is looked for stands, and each of the words, whatever its case; in the order of the text. */
export function marksIn(text: string, found: readonly LogMark[], words: readonly string[]): Mark[] {
  if (found.length === 0 && words.length === 0) return [];
  const marks: Mark[] = found.map((mark) => ({ ...mark, word: null }));
  for (const [word, wanted] of words.entries()) {
    for (const match of text.matchAll(new RegExp(wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu'))) marks.push({ from: match.index, to: match.index + match[0].length, word });
  }
  return marks.sort((one, other) => one.from - other.from);
}
