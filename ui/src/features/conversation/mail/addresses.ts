import type { PersonView } from '../../../ipc/client';

/** Whether something can be a mail address; the program looks closer. */
export function isAddress(text: string): boolean {
  const at = text.lastIndexOf('@');
  if (at < 1 || text.length > 254 || /[\s\p{Cc}\p{Cf}<>()[\],;:"]/u.test(text)) return false;
  const labels = text.slice(at + 1).split('.');
  return !text.slice(0, at).includes('@') && labels.every((label) => label.length > 0 && label.length < 64 && !label.startsWith('-') && !label.endsWith('-'));
}

/** Who stands in a line of addresses as people write and paste them: `a@b`, `Name <a@b>`, `"Last, First" <a@b>`. */
export function people(line: string): PersonView[] {
  return parts(line).flatMap((part) => person(part) ?? []);
}

/** Whether a line holds more than what is still being typed: it ends what stands before its last separator. */
export const separates = (line: string): boolean => parts(line, true).length > 1;

/** Cuts at commas, semicolons and line breaks that stand in no quotes and no angle brackets. */
function parts(line: string, withLast = false): string[] {
  const found: string[] = [];
  let quoted = false;
  let angled = false;
  let from = 0;
  for (let i = 0; i < line.length; i++) {
    const char = line[i];
    if (char === '"' && line[i - 1] !== '\\') quoted = !quoted;
    else if (char === '<' && !quoted) angled = true;
    else if (char === '>' && !quoted) angled = false;
    if (char !== '\n' && (quoted || angled || (char !== ',' && char !== ';'))) continue;
    found.push(line.slice(from, i));
    from = i + 1;
    quoted = angled = false;
  }
  const last = line.slice(from);
  return withLast || last.trim() !== '' ? [...found, last] : found;
}

function person(part: string): PersonView | null {
  const text = part.trim();
  if (text === '') return null;
  const named = /^(.*)<([^<>]*)>$/su.exec(text);
  if (!named) return { name: '', address: text.replace(/^mailto:/i, '') };
  const name = (named[1] ?? '').trim().replace(/^"(.*)"$/su, '$1').replace(/\\(["\\])/g, '$1').trim();
  const address = (named[2] ?? '').trim();
  return { name: name === address ? '' : name, address };
}

/** People without those that stand there already, whatever the case of their addresses. */
export function added(present: readonly PersonView[], more: readonly PersonView[]): PersonView[] {
  const known = new Set(present.map((one) => one.address.toLowerCase()));
  return [...present, ...more.filter((one) => !known.has(one.address.toLowerCase()) && known.add(one.address.toLowerCase()))];
}
