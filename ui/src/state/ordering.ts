import type { ConversationFilter, ConversationKey, ConversationRow, ConversationView } from '../ipc/client';

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

/** The order of a view: who has waited longest goes first, all else goes by what came last. */
export const orderOf = (view: ConversationView): ((a: Entry, b: Entry) => number) => (view === 'waiting' ? (a, b) => newestFirst(b, a) : newestFirst);

/** How somebody writes: by mail or in a chat. */
export type Channel = 'email' | 'telegram';

/** What a list shows. `me` is whose conversations "mine" are, where that is the view; the program knows it by itself. */
export type ListFilter = ConversationFilter & { me: string | null };

/** Whether a row belongs to what the filter shows. */
export function passes(filter: ListFilter, row: ConversationRow): boolean {
  if (filter.channel !== null && (row.chat !== null) !== (filter.channel === 'telegram')) return false;
  if (filter.account !== null && row.key.account !== filter.account) return false;
  if (filter.unreadOnly && row.unread === 0) return false;
  switch (filter.view) {
    case 'mine':
      return row.triage !== 'done' && filter.me !== null && row.assignee === filter.me;
    case 'unassigned':
      return row.triage !== 'done' && row.assignee === null;
    case 'waiting':
      return row.triage === 'open' && !row.lastIsOurs;
    case 'done':
      return row.triage === 'done';
    default:
      return true;
  }
}

/** What a merge may and may not do to the list that is looked at. */
export interface MergeOptions {
  filter: ListFilter;
  /** Rows that stay where they are: those in view while the pointer or the keys are in the list. */
  pinned: ReadonlySet<string>;
  /** Stays in the list whatever the filter says: the conversation that is open. */
  kept: string | null;
  /** The last row that was read; what lies beyond it is left to its own page. Null where all is read. */
  edge: Entry | null;
}

/**
 * Changed rows take their place, those that no longer pass leave, new ones come in.
 * Pinned rows change their content only. The input is not altered.
 */
export function mergeRows(entries: readonly Entry[], rows: readonly ConversationRow[], options: MergeOptions): Entry[] {
  const { filter, pinned, kept, edge } = options;
  const order = orderOf(filter.view);
  const within = (entry: Entry) => edge === null || order(entry, edge) <= 0;
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
    else if (within(next)) moving.push(next);
    else if (entry.id === kept) staying.push({ ...entry, row });
  }
  for (const row of changed.values()) {
    const entry = entryOf(row);
    if (passes(filter, row) && within(entry)) moving.push(entry);
  }
  return weave(staying, moving.sort(order), order);
}

/** Every row at its true place, and those that were only kept for a while gone. */
export function settle(entries: readonly Entry[], kept: string | null, view: ConversationView): Entry[] {
  const settled: Entry[] = [];
  for (const entry of entries) {
    if (entry.leaving && entry.id !== kept) continue;
    const order = Date.parse(entry.row.lastAt);
    settled.push(order === entry.order ? entry : { ...entry, order });
  }
  return settled.sort(orderOf(view));
}

/** Two sorted lists as one. */
function weave(a: readonly Entry[], b: readonly Entry[], order: (a: Entry, b: Entry) => number): Entry[] {
  if (b.length === 0) return [...a];
  const out: Entry[] = [];
  let j = 0;
  for (const entry of a) {
    for (let other = b[j]; other && order(other, entry) < 0; other = b[++j]) out.push(other);
    out.push(entry);
  }
  return out.concat(b.slice(j));
}
