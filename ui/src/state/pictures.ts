import { languages } from '../i18n/catalogue';
import { t } from '../i18n/index.svelte';
import { translate } from '../i18n/translate';
import type { AttachedFile, PictureForm } from '../ipc/client';

/** Pictures that stand in a mail's text: words name the file, and it is shown in their place. */

/** What every mail program shows. */
const SHOWN: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

/** Whether a file can stand in a text. */
export const isPicture = (mime: string): boolean => SHOWN.includes(mime);

/** The words that name a picture in the text; whoever reads it as plain text has them. */
export const wordsFor = (name: string): string => t('mail.picture', { name });

/** Where the words that name a file stand, in any of our languages: a draft may be older than the choice of one. */
export function placesOf(text: string, name: string): [from: number, to: number][] {
  const places: [number, number][] = [];
  for (const language of languages) {
    const words = translate(language, 'mail.picture', { name });
    for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + words.length)) places.push([at, at + words.length]);
  }
  return places.sort((a, b) => a[0] - b[0]);
}

/** Whether a file stands in a text. */
export const standsIn = (text: string, { name, mime }: AttachedFile): boolean => isPicture(mime) && placesOf(text, name).length > 0;

/** The pictures of a text, in its order. */
export function picturesIn(text: string, files: readonly AttachedFile[]): PictureForm[] {
  const all = files.flatMap(({ name, mime }, file) => (isPicture(mime) && files.findIndex((other) => other.name === name) === file ? placesOf(text, name).map(([from, to]) => ({ file, offset: from, length: to - from })) : []));
  return all.sort((a, b) => a.offset - b.offset);
}

/** A text that does not name a file any more; a line that held nothing else goes as well. */
export function without(text: string, name: string): string {
  let left = text;
  for (const [from, to] of placesOf(text, name).reverse()) {
    const alone = (from === 0 || left[from - 1] === '\n') && left[to] === '\n';
    left = left.slice(0, from) + left.slice(alone ? to + 1 : to);
  }
  return left;
}

/** A text that names a file by its new name. */
export function renamed(text: string, was: string, is: string): string {
  let now = text;
  if (was !== is) for (const [from, to] of placesOf(text, was).reverse()) now = now.slice(0, from) + wordsFor(is) + now.slice(to);
  return now;
}

/** A name that none of these has: words name one file. */
export function freeName(name: string, taken: readonly string[]): string {
  const dot = name.lastIndexOf('.');
  const [stem, end] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${stem} ${number}${end}`;
    if (!taken.includes(free)) return free;
  }
}

/** The words for a picture, as a line of its own where they are put in. */
export function asLine(text: string, start: number, end: number, name: string): string {
  const before = start === 0 || text[start - 1] === '\n' ? '' : '\n';
  return `${before}${wordsFor(name)}${text[end] === '\n' ? '' : '\n'}`;
}
