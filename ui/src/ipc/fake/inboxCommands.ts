import type { ConversationFilter, ConversationKey, MessageKey, MessageView, MuteSpan, OutgoingView, SavedFiles } from '../bindings';
import { type World, fail } from './backend';
import { chatRow } from './chats';
import { inView, shownBy } from './triageCommands';

const mailPages = import.meta.glob<string>('./mails/*.html', { eager: true, query: '?url', import: 'default' });

/** A message as one that came over from the old CRM, where `?adopted` asks for it. */
function marked(message: MessageView, index: number): MessageView {
  if (!new URLSearchParams(location.search).has('adopted')) return message;
  return { ...message, adopted: { waits: true, unsent: message.ours && index % 2 === 1, missingFiles: index % 3 === 0 ? ['паспорт_переклад.pdf', 'скан.jpg'] : [] } };
}

/** The inbox's commands over the invented bureau. */
export function inboxCommands(world: World) {
  const { bureau } = world;
  const shownFor = new Set<string>();
  const saved: SavedFiles = { folder: '/home/bureau/Завантаження', saved: 1, failed: null };

  const outgoingOf = (id: string): OutgoingView[] => bureau.talks.get(id)?.chat?.outgoing ?? world.outbox.filter((mail) => mail.conversation === id);

  function changed(key: ConversationKey): void {
    bureau.count();
    world.tell({ conversations: [key], merged: [], messages: [], newMessages: 0, overflowed: false, countsChanged: true });
  }

  function read(key: ConversationKey, unread: number): null {
    const talk = bureau.talks.get(key.id) ?? fail('not_found');
    talk.row = { ...talk.row, unread };
    talk.unreadFrom = unread;
    for (const message of talk.live) message.seen = unread === 0;
    for (const message of talk.chat?.messages ?? []) message.seen ||= unread === 0;
    const last = talk.chat?.messages.findLast((message) => !message.ours);
    if (last && unread > 0) last.seen = false;
    changed(key);
    return null;
  }

  return {
    subscribe: async () => ({ accounts: bureau.accounts, number: world.monitor.subscribed() }),
    counts: async () => counts(world),
    conversations: async (filter: ConversationFilter, after: string | null, limit: number) => {
      const rows = bureau.rows().filter(shownBy(filter, world.preferences.me));
      if (filter.view === 'waiting') rows.reverse();
      const from = after === null ? 0 : rows.findIndex((row) => `${row.lastAt} ${row.key.id}` === after) + 1;
      const page = rows.slice(from, from + limit);
      const last = page.at(-1);
      return { rows: page, next: last && from + limit < rows.length ? `${last.lastAt} ${last.key.id}` : null };
    },
    conversationsByKey: async (keys: ConversationKey[]) => keys.flatMap((key) => bureau.talks.get(key.id)?.row ?? []),
    messages: async (key: ConversationKey, before: string | null, limit: number) => {
      const all = bureau.messages(key.id);
      if (!bureau.talks.has(key.id)) fail('not_found');
      const end = before === null ? all.length : Number(before);
      const from = Math.max(0, end - limit);
      return { rows: all.slice(from, end).map(marked), older: from === 0 ? null : String(from), newer: end < all.length, outgoing: before === null ? outgoingOf(key.id) : [] };
    },
    messagesAround: async (key: ConversationKey, id: string, before: number, after: number) => {
      const all = bureau.messages(key.id);
      const at = all.findIndex((message) => message.key.id === id || message.chat?.album.includes(id));
      const end = at < 0 ? all.length : Math.min(all.length, at + 1 + after);
      const from = Math.max(0, end - before - 1 - after);
      return { rows: all.slice(from, end), older: from === 0 ? null : String(from), newer: end < all.length, outgoing: end < all.length ? [] : outgoingOf(key.id) };
    },
    messagesByKey: async (keys: MessageKey[]) => keys.flatMap((key) => [...bureau.messages(key.id.split('-')[0] ?? '')].find((message) => message.key.id === key.id || message.chat?.album.includes(key.id)) ?? []),
    markRead: async (key: ConversationKey, upTo: string | null) => {
      const chat = bureau.talks.get(key.id)?.chat;
      if (!chat || upTo === null) return read(key, 0);
      const end = chat.messages.findIndex((message) => message.key.id === upTo || message.chat?.album.includes(upTo));
      for (const message of chat.messages.slice(0, end + 1)) message.seen = true;
      const talk = bureau.talks.get(key.id);
      if (talk) talk.row = chatRow(key.account, key.id, chat);
      changed(key);
      return null;
    },
    markUnread: async (key: ConversationKey) => read(key, 1),
    muteConversation: async (key: ConversationKey, span: MuteSpan) => {
      const talk = bureau.talks.get(key.id) ?? fail('not_found');
      const hours = { off: null, hour: 1, workday: 8, always: null }[span];
      const mutedUntil = span === 'always' ? '9999-01-01T00:00:00Z' : hours === null ? null : new Date(world.now() + hours * 3_600_000).toISOString();
      talk.row = { ...talk.row, mutedUntil };
      changed(key);
      return null;
    },
    setFront: async (key: ConversationKey | null) => {
      world.front = key?.id ?? null;
      return null;
    },
    search: async (text: string, account: string | null, after: string | null, limit: number) => {
      const wanted = text.toLowerCase();
      const found = bureau.rows().filter((row) => (account === null || row.key.account === account) && `${row.name} ${row.address} ${row.subject} ${row.snippet}`.toLowerCase().includes(wanted));
      const from = Number(after ?? 0);
      const hits = found.slice(from, from + limit).map((row) => {
        const messages = bureau.messages(row.key.id);
        const message = messages.find((candidate) => candidate.text.toLowerCase().includes(wanted)) ?? messages.at(-1);
        return { message: message?.key ?? { account: row.key.account, id: row.key.id }, conversation: row, subject: row.subject, snippet: row.snippet, at: row.lastAt };
      });
      return { hits, next: from + limit < found.length ? String(from + limit) : null, pending: 0 };
    },
    painted: async (keys: ConversationKey[]) => {
      world.painted.push(...keys.map((key) => key.id));
      return null;
    },
    messageBody: async (key: MessageKey, showRemote: boolean) => {
      const talk = bureau.talks.get(key.id.split('-')[0] ?? '');
      const kind = talk?.html ?? 'letter';
      const always = shownFor.has(talk?.person.address ?? '');
      const shown = showRemote || always;
      const url = mailPages[`./mails/${kind}.html`] ?? '';
      return { url: shown ? `${url}?remote` : url, blocked: kind === 'letter' || shown ? 0 : 3, remoteShown: shown, always };
    },
    alwaysShowRemote: async (key: MessageKey, always: boolean) => {
      const address = bureau.talks.get(key.id.split('-')[0] ?? '')?.person.address ?? '';
      if (always) shownFor.add(address);
      else shownFor.delete(address);
      return null;
    },
    openLink: async () => null,
    openFile: async (_account: string, id: string, confirmed: boolean) => {
      const file = [...bureau.talks.keys()].flatMap((talk) => bureau.messages(talk)).flatMap((message) => message.files).find((candidate) => candidate.id === id);
      if (file?.risky && !confirmed) fail('risky_file');
      return null;
    },
    saveFile: async () => saved,
    saveAllFiles: async () => ({ ...saved, saved: 3 }),
    saveOriginal: async () => saved,
    dragFile: async () => null,
  };
}

function counts(world: World) {
  const rows = [...world.bureau.talks.values()].map((talk) => talk.row);
  world.bureau.count();
  return {
    conversations: rows.length,
    unread: rows.filter((row) => row.unread > 0).length,
    ...Object.fromEntries((['mine', 'unassigned', 'waiting', 'done'] as const).map((view) => [view, rows.filter(inView(view, world.preferences.me)).length])),
    stuckTexts: rows.reduce((sum, row) => sum + row.stuckTexts, 0),
    accounts: world.bureau.accounts.map(({ id, unread }) => ({ id, unread })),
  };
}
