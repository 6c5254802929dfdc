import { type Pair, isLink } from '../../../state/formatting';

/** A stretch of a field's text that something else takes the place of, and what is selected then. */
export interface Change {
  from: number;
  to: number;
  insert: string;
  select: [number, number];
}

export type Sign = Pair | '`';

const WORD = /[\p{L}\p{N}\p{M}]/u;
const SIGNS: readonly string[] = ['**', '__', '~~', '||', '`'];

/** The words that are meant: the selection from word to word, or the word that the caret stands in. */
function meant(text: string, start: number, end: number): [number, number] {
  const within = (at: number) => WORD.test(text[at - 1] ?? '') && WORD.test(text[at] ?? '');
  let [from, to] = [start, end];
  while (from < to && /\s/u.test(text[from] ?? '')) from += 1;
  while (to > from && /\s/u.test(text[to - 1] ?? '')) to -= 1;
  if (from === to && start !== end) return [start, end];
  while (within(from)) from -= 1;
  while (within(to)) to += 1;
  return [from, to];
}

/** Puts signs around what is meant, or takes them away where they stand already. */
export function toggled(text: string, start: number, end: number, sign: Sign): Change {
  const size = sign.length;
  const [from, to] = meant(text, start, end);
  const words = text.slice(from, to);
  if (words === '' && text.slice(from - size, from) === sign && text.slice(to, to + size) === sign) return { from: from - size, to: to + size, insert: '', select: [from - size, from - size] };
  if (sign === '`' && words.includes('\n')) return block(text, from, to);
  // Other signs may stand between the words and these.
  for (let out = 0; ; ) {
    const [left, right] = [from - out, to + out];
    if (isSign(text, left - size, sign) && isSign(text, right, sign)) {
      const inside = text.slice(left, right);
      return { from: left - size, to: right + size, insert: inside, select: [left - size + out, left - size + out + words.length] };
    }
    const other = SIGNS.find((one) => one !== sign && isSign(text, left - one.length, one) && isSign(text, right, one));
    if (other === undefined) break;
    out += other.length;
  }
  const parts = words.split(/(\n[^\S\n]*\n\s*)/u);
  const wrapped = (part: string) => part.length > 2 * size && isSign(part, 0, sign) && isSign(part, part.length - size, sign);
  const off = parts.every((part) => part.trim() === '' || wrapped(part)) && words !== '';
  const one = (part: string) => (part.trim() === '' ? part : off ? part.slice(size, -size) : `${sign}${part}${sign}`);
  const insert = words === '' ? sign + sign : parts.map(one).join('');
  if (words === '') return { from, to, insert, select: [from + size, from + size] };
  return { from, to, insert, select: parts.length === 1 && !off ? [from + size, from + size + words.length] : [from, from + insert.length] };
}

/** Whether just this sign stands at a place, and not a longer row of it. */
const isSign = (text: string, at: number, sign: string): boolean => at >= 0 && text.slice(at, at + sign.length) === sign && text[at - 1] !== sign[0] && text[at + sign.length] !== sign[0];

/** Code of several lines is a block of its own. */
function block(text: string, from: number, to: number): Change {
  const fence = '```';
  const [before, after] = [text.slice(0, from), text.slice(to)];
  if (before.endsWith(`${fence}\n`) && after.startsWith(`\n${fence}`)) return { from: from - 4, to: to + 4, insert: text.slice(from, to), select: [from - 4, to - 4] };
  return { from, to, insert: `${fence}\n${text.slice(from, to)}\n${fence}`, select: [from + 4, to + 4] };
}

/** Makes a link of what is meant; what is missing, words or address, is selected to be typed. */
export function linked(text: string, start: number, end: number): Change {
  const [from, to] = meant(text, start, end);
  const words = text.slice(from, to);
  if (isLink(words)) return { from, to, insert: `[](${words})`, select: [from + 1, from + 1] };
  const insert = `[${words}](https://)`;
  return words === '' ? { from, to, insert, select: [from + 1, from + 1] } : { from, to, insert, select: [from + words.length + 3, from + insert.length - 1] };
}

/** What is put in at the caret. */
export const inserted = (start: number, end: number, insert: string): Change => ({ from: start, to: end, insert, select: [start + insert.length, start + insert.length] });

/** Changes a field's text as if it were typed, so that the field's own undo takes it back. */
export function type(area: HTMLTextAreaElement, change: Change): void {
  area.focus();
  area.setSelectionRange(change.from, change.to);
  const done = change.insert === '' ? document.execCommand('delete') : document.execCommand('insertText', false, change.insert);
  if (!done) {
    area.setRangeText(change.insert, change.from, change.to, 'end');
    area.dispatchEvent(new InputEvent('input', { bubbles: true }));
  }
  area.setSelectionRange(...change.select);
}
