/** A piece of plain text: an address that leads out of it, or the words between. */
export interface Piece {
  text: string;
  url: string | null;
}

const ADDRESS = /https?:\/\/[^\s<>"«»„“”]+|\bmailto:[^\s<>"«»„“”]+|\bwww\.[^\s<>"«»„“”]+\.[^\s<>"«»„“”]+/giu;
const CLOSERS: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/** Plain text in pieces, its web addresses apart. What ends a sentence or a bracket around an address is no part of it. */
export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const found = trimmed(match[0]);
    const url = parsed(/^www\./i.test(found) ? `https://${found}` : found);
    if (url === null) continue;
    if (match.index > from) out.push({ text: text.slice(from, match.index), url: null });
    out.push({ text: found, url });
    from = match.index + found.length;
  }
  if (from < text.length) out.push({ text: text.slice(from), url: null });
  return out;
}

function trimmed(found: string): string {
  let end = found.length;
  for (; end > 0; end--) {
    const last = found[end - 1] ?? '';
    const opener = CLOSERS[last];
    const inside = found.slice(0, end);
    const unbalanced = opener !== undefined && inside.split(last).length > inside.split(opener).length;
    if (!unbalanced && !/[.,;:!?'*_~]/.test(last)) break;
  }
  return found.slice(0, end);
}

function parsed(address: string): string | null {
  try {
    const url = new URL(address);
    return url.protocol === 'mailto:' || url.hostname !== '' ? url.href : null;
  } catch {
    return null;
  }
}

/** The host of an address in its ASCII form; the address itself for a mail's. */
export function hostOf(address: string): string {
  const url = new URL(address);
  return url.hostname || url.pathname;
}
