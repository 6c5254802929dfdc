import type { ConversationFilter, ConversationKey, ConversationRow, ConversationView, SeenConversation, Triage } from '../bindings';
import { type World, fail } from './backend';

/** More changed conversations than this are not named. */
const NAMED = 200;

export const inView = (view: ConversationView, me: string | null) => (row: ConversationRow): boolean =>
  ({
    all: true,
    mine: row.triage !== 'done' && row.assignee === (me ?? ''),
    unassigned: row.triage !== 'done' && row.assignee === null,
    waiting: row.triage === 'open' && !row.lastIsOurs,
    done: row.triage === 'done',
  })[view];

export const shownBy = (filter: ConversationFilter, me: string | null) => (row: ConversationRow): boolean =>
  inView(filter.view, me)(row) &&
  (filter.account === null || row.key.account === filter.account) &&
  (filter.channel === null || (row.chat !== null) === (filter.channel === 'telegram')) &&
  (!filter.unreadOnly || row.unread > 0);

/** Whose turn it is and who takes care, over the invented bureau. */
export function triageCommands(world: World) {
  const { bureau } = world;

  function changed(keys: ConversationKey[]): void {
    const overflowed = keys.length > NAMED;
    world.tell({ conversations: overflowed ? [] : keys, merged: [], messages: [], newMessages: 0, overflowed, countsChanged: true });
  }

  return {
    setTriage: async (conversations: SeenConversation[], triage: Triage) => {
      const rows = conversations.flatMap(({ key, lastAt, messages }) => {
        const row = bureau.talks.get(key.id)?.row;
        return row ? [{ row, lastAt, messages }] : [];
      });
      const overtaken = rows.filter(({ row, lastAt, messages }) => triage !== 'open' && !row.lastIsOurs && (row.lastAt > lastAt || row.messages > messages)).map(({ row }) => row.key);
      const left = new Set(overtaken.map(({ id }) => id));
      const keys = rows.filter(({ row }) => !left.has(row.key.id) && row.triage !== triage).map(({ row }) => row.key);
      for (const { id } of keys) bureau.enter(id, { triage });
      if (keys.length > 0) changed(keys);
      return overtaken;
    },
    assign: async (keys: ConversationKey[], assignee: string | null) => {
      const name = assignee?.trim() || null;
      if (name !== null && [...name].length > 100) fail('invalid_input', 'assignee');
      const others = keys.filter(({ id }) => bureau.talks.has(id) && bureau.talks.get(id)?.row.assignee !== name);
      for (const { id } of others) bureau.enter(id, { assignee: name });
      if (others.length > 0) changed(others);
      return null;
    },
    assignees: async () => [...new Set([...bureau.talks.values()].flatMap(({ row }) => (row.triage === 'done' ? [] : (row.assignee ?? []))))].sort(),
  };
}
