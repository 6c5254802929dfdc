import type { EntityName, EntityView } from '../../../ipc/client';
import { hostOf } from '../../../state/links';

type Mark = 'bold' | 'italic' | 'underline' | 'strike' | 'code' | 'hashtag';

/** A stretch of text that looks the same throughout. */
export interface Piece {
  text: string;
  marks: readonly Mark[];
}

/** Pieces that lead to one place, are hidden together, or neither. */
export interface Run {
  url: string | null;
  spoiler: boolean;
  pieces: readonly Piece[];
}

/** Runs that stand in a block of their own, or in the flow of the text. */
export interface Block {
  kind: 'text' | 'pre' | 'blockquote';
  runs: readonly Run[];
}

const markOf: Partial<Record<EntityName, Mark>> = {
  bold: 'bold', italic: 'italic', underline: 'underline', strike: 'strike', code: 'code', hashtag: 'hashtag', cashtag: 'hashtag', bot_command: 'hashtag', bank_card: 'hashtag', mention_name: 'hashtag',
};
const isBlock = (entity: EntityView): boolean => entity.kind === 'pre' || entity.kind === 'blockquote';

/** A message's text as blocks of runs of pieces. Entities may nest, overlap, and reach beyond the text. */
export function blocks(text: string, entities: readonly EntityView[]): Block[] {
  const valid = entities
    .map((entity) => ({ ...entity, from: Math.max(0, entity.offset), to: Math.min(text.length, entity.offset + entity.length) }))
    .filter((entity) => entity.from < entity.to);
  const outer = valid.filter(isBlock).sort((a, b) => a.from - b.from || b.to - a.to);
  const out: Block[] = [];
  let at = 0;
  for (const block of outer) {
    if (block.from < at) continue;
    if (block.from > at) out.push({ kind: 'text', runs: runs(text, valid, at, block.from) });
    out.push({ kind: block.kind as 'pre' | 'blockquote', runs: runs(text, valid, block.from, block.to) });
    at = block.to;
  }
  if (at < text.length) out.push({ kind: 'text', runs: runs(text, valid, at, text.length) });
  return out.map((block, index) => trimmed(block, out[index - 1], out[index + 1])).filter((block) => block.runs.length > 0);
}

type Valid = EntityView & { from: number; to: number };

function runs(text: string, entities: readonly Valid[], from: number, to: number): Run[] {
  const inside = entities.filter((entity) => !isBlock(entity) && entity.from < to && entity.to > from);
  const cuts = [...new Set([from, to, ...inside.flatMap((entity) => [entity.from, entity.to])])].filter((cut) => cut >= from && cut <= to).sort((a, b) => a - b);
  const out: { link: Valid | undefined; run: Run & { pieces: Piece[] } }[] = [];
  for (let i = 0; i + 1 < cuts.length; i++) {
    const [start, end] = [cuts[i] ?? 0, cuts[i + 1] ?? 0];
    const over = inside.filter((entity) => entity.from <= start && entity.to >= end);
    const link = over.find((entity) => addressOf(entity, text) !== null);
    const spoiler = over.some((entity) => entity.kind === 'spoiler');
    const piece: Piece = { text: text.slice(start, end), marks: [...new Set(over.flatMap((entity) => markOf[entity.kind] ?? []))] };
    const last = out.at(-1);
    if (last && last.link === link && last.run.spoiler === spoiler) last.run.pieces.push(piece);
    else out.push({ link, run: { url: link ? addressOf(link, text) : null, spoiler, pieces: [piece] } });
  }
  return out.map(({ run }) => run);
}

/** A block stands on lines of its own: the line break beside it is no empty line. */
function trimmed(block: Block, before: Block | undefined, after: Block | undefined): Block {
  if (block.kind !== 'text') return block;
  const cut = block.runs.map((run) => ({ ...run, pieces: run.pieces.map((piece) => ({ ...piece })) }));
  const first = cut[0]?.pieces[0];
  const last = cut.at(-1)?.pieces.at(-1);
  if (before && first) first.text = first.text.replace(/^\n/, '');
  if (after && last) last.text = last.text.replace(/\n$/, '');
  return { ...block, runs: cut.filter((run) => run.pieces.some((piece) => piece.text !== '')) };
}

/** Where a stretch leads; null where it leads nowhere that can be opened. */
function addressOf(entity: Valid, text: string): string | null {
  const words = text.slice(entity.from, entity.to);
  switch (entity.kind) {
    case 'text_url':
      return parsed(entity.url ?? '');
    case 'url':
      return parsed(/^[a-z][a-z0-9+.-]*:/i.test(words) ? words : `https://${words}`);
    case 'email':
      return parsed(`mailto:${words}`);
    case 'mention':
      return parsed(`https://t.me/${words.replace(/^@/, '')}`);
    default:
      return null;
  }
}

function parsed(address: string): string | null {
  try {
    const url = new URL(address);
    return ['http:', 'https:', 'mailto:', 'tg:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Whether the words of a link name another site than the one it leads to. */
export function mismatched(words: string, url: string): boolean {
  const named = /^(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+[\p{L}]{2,})(?:[/?#:]|$)/u.exec(words.trim())?.[1];
  if (named === undefined) return false;
  const shown = parsed(`https://${named}`);
  const bare = (host: string) => host.replace(/^www\./, '');
  return shown !== null && bare(hostOf(shown)) !== bare(hostOf(url));
}
