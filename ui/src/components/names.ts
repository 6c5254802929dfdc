/** Up to two letters of a name for an avatar; `?` where there is none. Quotes and legal forms do not count. */
export function initials(name: string): string {
  const quoted = /[«„“"]([^»”“"]+)[»”“"]/u.exec(name)?.[1];
  const words = (quoted ?? name)
    .replace(/<[^>]*>/g, ' ')
    .split(/[\s\-–—_.@,«»„“”"()·]+/u)
    .filter((word) => /^[\p{L}\p{N}]/u.test(word));
  if (!words.some((word) => /^\p{L}/u.test(word))) return '?';
  return words.slice(0, 2).map(firstLetter).join('').toLocaleUpperCase();
}

/** A colleague's name where there is little room: `Ірина К.`. */
export function shortName(name: string): string {
  const [first = '', ...rest] = name.trim().split(/\s+/u);
  const last = rest.at(-1);
  return last === undefined ? first : `${first} ${firstLetter(last)}.`;
}

function firstLetter(word: string): string {
  return String.fromCodePoint(word.codePointAt(0) ?? 63);
}

/** A file's name in two parts, so that its end stays in view when the front is cut. */
export function splitName(name: string): { front: string; end: string } {
  const dot = name.lastIndexOf('.');
  const tail = dot > 0 && name.length - dot <= 6 ? name.length - dot : 0;
  const keep = Math.min(name.length, tail + 4);
  return name.length <= keep + 4 ? { front: name, end: '' } : { front: name.slice(0, -keep), end: name.slice(-keep) };
}

/** Two to four capitals that stand for a file's kind. */
export function fileKind(name: string, mime: string): string {
  const extension = /\.([A-Za-z0-9]{1,4})$/.exec(name)?.[1];
  return (extension ?? mime.split('/')[1]?.slice(0, 4) ?? '').toUpperCase();
}

/** Text in pieces, those that hold what was looked for marked. Letters match whatever their case. */
export function highlight(text: string, wanted: string): { text: string; hit: boolean }[] {
  const needle = wanted.trim().toLowerCase();
  if (needle === '') return [{ text, hit: false }];
  const pieces: { text: string; hit: boolean }[] = [];
  const lower = text.toLowerCase();
  if (lower.length !== text.length) return [{ text, hit: false }];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    if (at > from) pieces.push({ text: text.slice(from, at), hit: false });
    pieces.push({ text: text.slice(at, at + needle.length), hit: true });
    from = at + needle.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), hit: false });
  return pieces;
}
