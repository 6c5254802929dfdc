import type { ConversationFilter, ConversationKey, ConversationRow } from '../ipc/client';

/** A row of the list with its place in it. */
export interface Entry {
  /** Account and conversation in one string. */
  readonly id: string;
  readonly row: ConversationRow;
  /** The time the row is sorted by; behind `row.lastAt` while the row is kept where it is. */
  readonly order: number;
  /** No longer belongs here, and is kept only until nobody can be surprised by its going. */
  readonly leaving: boolean;
}

/** A key as one string, for maps and sets. */
export const idOf = (key: ConversationKey): string => `${key.account}/${key.id}`;

export function entryOf(row: ConversationRow): Entry {
  return { id: idOf(row.key), row, order: Date.parse(row.lastAt), leaving: false };
}

/** Newest first; equal times by id, so that the order is always the same. */
export function newestFirst(a: Entry, b: Entry): number {
  return b.order - a.order || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

/** How somebody writes: by mail or in a chat. */
export type Channel = 'email' | 'telegram';

/** What a list shows. The program filters by all but the channel, which is told by the row. */
export type ListFilter = Omit<ConversationFilter, 'channel'> & { channel?: Channel | null };

/** Whether a row belongs to what the filter shows. */
export function passes(filter: ListFilter, row: ConversationRow): boolean {
  if (filter.channel && (row.chat !== null) !== (filter.channel === 'telegram')) return false;
  if (filter.account !== null && row.key.account !== filter.account) return false;
  if (filter.unreadOnly && row.unread === 0) return false;
  return !(filter.view === 'waiting' && row.lastIsOurs);
}

/** What a merge may and may not do to the list that is looked at. */
export interface MergeOptions {
  filter: ListFilter;
  /** Rows that stay where they are: those in view while the pointer or the keys are in the list. */
  pinned: ReadonlySet<string>;
  /** Stays in the list whatever the filter says: the conversation that is open. */
  kept: string | null;
  /** Whether older rows exist that are not loaded; rows that old are left to their own page. */
  more: boolean;
}

/**
 * Changed rows take their place, those that no longer pass leave, new ones come in.
 * Pinned rows change their content only. The input is not altered.
 */
export function mergeRows(entries: readonly Entry[], rows: readonly ConversationRow[], options: MergeOptions): Entry[] {
  const { filter, pinned, kept, more } = options;
  const oldest = more ? (entries.at(-1)?.order ?? -Infinity) : -Infinity;
  const changed = new Map(rows.map((row) => [idOf(row.key), row]));
  const staying: Entry[] = [];
  const moving: Entry[] = [];
  for (const entry of entries) {
    const row = changed.get(entry.id);
    if (!row) {
      staying.push(entry);
      continue;
    }
    changed.delete(entry.id);
    const next = entryOf(row);
    const belongs = passes(filter, row);
    if (pinned.has(entry.id)) staying.push({ ...entry, row, leaving: !belongs });
    else if (entry.id === kept && !belongs) staying.push({ ...entry, row, leaving: true });
    else if (!belongs) continue;
    else if (next.order === entry.order) staying.push(next);
    else if (next.order >= oldest) moving.push(next);
  }
  for (const row of changed.values()) {
    const entry = entryOf(row);
    if (passes(filter, row) && entry.order >= oldest) moving.push(entry);
  }
  return weave(staying, moving.sort(newestFirst));
}

/** Every row at its true place, and those that were only kept for a while gone. */
export function settle(entries: readonly Entry[], kept: string | null): Entry[] {
  const settled: Entry[] = [];
  for (const entry of entries) {
    if (entry.leaving && entry.id !== kept) continue;
    const order = Date.parse(entry.row.lastAt);
    settled.push(order === entry.order ? entry : { ...entry, order });
  }
  return settled.sort(newestFirst);
}

/** Two sorted lists as one. */
function weave(a: readonly Entry[], b: readonly Entry[]): Entry[] {
  if (b.length === 0) return [...a];
  const out: Entry[] = [];
  let j = 0;
  for (const entry of a) {
    for (let other = b[j]; other && newestFirst(other, entry) < 0; other = b[++j]) out.push(other);
    out.push(entry);
  }
  return out.concat(b.slice(j));
}
