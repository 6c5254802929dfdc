import type { ConversationKey, EntityView, FileProgress, FileView, MessageKey, MessageVersionView, MessageView, OlderLoaded, OutgoingView, TextForm } from '../bindings';
import { IpcError } from '../error';
import { iso } from './accounts';
import { type World, fail } from './backend';
import { type Chat, chatFile, chatMessage, chatRow, older } from './chats';
import { face, page, street, table, tone } from './pictures';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** People in Telegram with whom there is no chat yet. Who hides the number is found by username alone. */
const strangers = [
  { name: 'Петро Коваль', username: 'petro_koval_example', phone: '+380000000099' },
  { name: 'Дарина Прихована', username: 'daryna_example', phone: null },
];

/** A person's name as Rust reads it: `@username`, a `t.me` link or a phone number with its country's code. */
export function personName(text: string): { username: string } | { phone: string } | null {
  const given = text.trim();
  const link = given.replace(/^(https?:\/\/)*/, '');
  const name = (given.startsWith('@') ? given.slice(1) : link.startsWith('t.me/') ? link.slice(5) : given).replace(/\/+$/, '');
  if (/^[A-Za-z][A-Za-z0-9_]{3,31}$/.test(name)) return { username: name.toLowerCase() };
  const digits = /^(?:\+|00)(.*)$/s.exec(given)?.[1]?.replace(/[\s().-]/g, '') ?? '';
  return /^\d{7,15}$/.test(digits) ? { phone: `+${digits}` } : null;
}

/** Writing, files and what is older, over the invented bureau. */
export function chatCommands(world: World) {
  const { bureau } = world;
  const stopped = new Set<string>();
  /** KiB of the files on their way up. */
  const goingUp = new Map<string, number>();
  let sent = 0;

  const talkOf = (id: string) => bureau.talks.get(id) ?? fail('not_found');
  const chatOf = (id: string): Chat => talkOf(id).chat ?? fail('not_offered');

  function changed(key: ConversationKey, fresh = 0, messages: MessageKey[] = []): void {
    const talk = talkOf(key.id);
    if (talk.chat) talk.row = chatRow(key.account, key.id, talk.chat);
    bureau.count();
    world.tell({ conversations: [key], merged: [], messages, newMessages: fresh, overflowed: false, countsChanged: true });
  }

  /** Plays how a file goes up; false when it was given up. Its name decides how long that takes. */
  async function goUp({ id, files }: OutgoingView): Promise<boolean> {
    stopped.delete(id);
    for (const file of files) {
      for (let step = 0; step < 10 && !stopped.has(id); step++) {
        goingUp.set(id, Math.round((file.size / 1024) * (step / 10)));
        await pause(file.name.includes('повільно') ? 400 : 20);
      }
    }
    goingUp.delete(id);
    return !stopped.has(id);
  }

  /** Plays what becomes of a text: its words decide. */
  async function send(key: ConversationKey, chat: Chat, text: OutgoingView): Promise<void> {
    const due = text.sendAt === null ? 0 : Date.parse(text.sendAt) - world.now();
    await pause(Math.max(250, due));
    // It was taken back, or another time was set, meanwhile.
    if (chat.outgoing.find((other) => other.id === text.id)?.sendAt !== text.sendAt) return;
    const enter = (change: Partial<OutgoingView>) => {
      chat.outgoing = chat.outgoing.map((other) => (other.id === text.id ? { ...other, ...change } : other));
      changed(key);
    };
    enter({ state: 'sending', tries: text.tries + 1, error: null });
    await pause(350);
    if (!(await goUp(text))) return enter({ state: 'failed', error: { code: 'refused', detail: 'given up before it was sent' } });
    if (text.tries === 0 && text.text.includes('відмова')) return enter({ state: 'failed', error: { code: 'refused', detail: '400 USER_BANNED_IN_CHANNEL' } });
    if (text.tries === 0 && text.text.includes('невідомо')) return enter({ state: 'uncertain', error: { code: 'timeout', detail: 'no answer within 30 s' } });
    if (text.tries === 0 && text.text.includes('чекає')) return enter({ state: 'waiting', error: { code: 'not_connected', detail: '' } });
    chat.outgoing = chat.outgoing.filter((other) => other.id !== text.id);
    const message = chatMessage(key.account, key.id, {
      at: world.now(), ours: true, author: { peer: 'user:9', name: 'Ірина Коваль' }, text: text.forward?.words ?? text.text, files: text.files.map((file) => (file.voice ? chatFile('voice', file.name, file.size, file.voice) : chatFile('document', file.name, file.size))),
      chat: { entities: text.entities, readThere: false, reply: text.reply, ...(text.forward && !text.forward.nameless ? { forward: { name: text.forward.author, sentAt: iso(world.now()) } } : {}) },
    });
    chat.messages.push(message);
    changed(key);
    await pause(900);
    if (message.chat) message.chat.readThere = true;
    changed(key, 0, [message.key]);
  }

  const fileOf = (id: string): { file: FileView; message: MessageView; key: ConversationKey } => {
    for (const { chat, row } of bureau.talks.values()) {
      for (const message of chat?.messages ?? []) {
        const file = message.files.find((candidate) => candidate.id === id);
        if (file) return { file, message, key: row.key };
      }
    }
    return fail('not_found');
  };

  /** A message of ours, with the chat it stands in. */
  const ownOf = (key: MessageKey): { message: MessageView; conversation: ConversationKey } => {
    for (const { chat, row } of bureau.talks.values()) {
      const message = chat?.messages.find((candidate) => candidate.key.id === key.id && candidate.ours);
      if (message) return { message, conversation: row.key };
    }
    return fail('not_found');
  };

  /** Bytes for a file that has just been fetched. */
  function bytes(file: FileView): string {
    const media = file.media;
    if (media?.kind === 'voice' || media?.kind === 'audio') return tone((media.durationMs ?? 1000) / 1000);
    if (media?.kind === 'photo') return media.thumbnail ?? table;
    return media?.kind === 'video_note' ? face : media?.kind === 'document' ? page : street;
  }

  async function page50(key: ConversationKey, ms = 400): Promise<OlderLoaded> {
    const chat = chatOf(key.id);
    await pause(ms);
    const rows = older(key.account, key.id, chat, 50);
    chat.messages.unshift(...rows);
    changed(key);
    return { stored: rows.length, reached: rows[0]?.receivedAt ?? null, beginning: chat.away === 0 };
  }

  return {
    sendText: async (key: ConversationKey, form: TextForm) => {
      const { text, entities, replyTo, files } = form;
      const undo = world.preferences.chatUndoSeconds;
      const sendAt = form.sendAt ?? (undo > 0 ? iso(world.now() + undo * 1000) : null);
      const chat = chatOf(key.id);
      if (chat.kind === 'broadcast') fail('not_offered');
      if (text.length > (files.length > 0 ? 1024 : 4096)) fail('too_long', String(text.length));
      const answered = chat.messages.find((message) => message.key.id === replyTo);
      const reply = answered ? { message: answered.key.id, author: answered.authorName, text: answered.text.slice(0, 80) } : null;
      const each = files.length > 0 ? files.map((file) => [file]) : [[]];
      const outgoing = each.map((one, at): OutgoingView => ({ account: key.account, id: `o${world.now()}-${++sent}`, conversation: key.id, text: at === 0 ? text : '', entities: at === 0 ? entities : [], reply: at === 0 ? reply : null, state: 'waiting', tries: 0, error: null, createdAt: iso(world.now()), sendAt, againAt: null, mail: null, files: one, forward: null }));
      world.texts.push(structuredClone(form));
      chat.outgoing.push(...outgoing);
      changed(key);
      void outgoing.reduce((before, one) => before.then(() => send(key, chat, one)), Promise.resolve());
      return outgoing.map(({ id }) => id);
    },
    passOn: async (parts: readonly { message: MessageView; text: string; files: readonly FileView[] }[], key: ConversationKey, nameless: boolean) => {
      const undo = world.preferences.chatUndoSeconds;
      const chat = chatOf(key.id);
      if (chat.kind === 'broadcast') fail('not_offered');
      const sendAt = undo > 0 ? iso(world.now() + undo * 1000) : null;
      const outgoing = parts.map(({ message, text, files }): OutgoingView => ({
        account: key.account, id: `o${world.now()}-${++sent}`, conversation: key.id, text: '', entities: [], reply: null, state: 'waiting', tries: 0, error: null, createdAt: iso(world.now()), sendAt, againAt: null, mail: null, files: [],
        forward: { author: message.authorName, words: text || (files[0]?.name ?? ''), nameless },
      }));
      chat.outgoing.push(...outgoing);
      changed(key);
      void outgoing.reduce((before, one) => before.then(() => send(key, chat, one)), Promise.resolve());
      return outgoing.map(({ id }) => id);
    },
    retryText: async (_account: string, id: string) => {
      for (const { chat, row } of bureau.talks.values()) {
        const text = chat?.outgoing.find((candidate) => candidate.id === id);
        if (chat && text) void send(row.key, chat, text);
      }
      return null;
    },
    reschedule: async (_account: string, id: string, sendAt: string | null) => {
      for (const { chat, row } of bureau.talks.values()) {
        const text = chat?.outgoing.find((candidate) => candidate.id === id);
        if (!chat || text?.state !== 'waiting') continue;
        const moved = { ...text, sendAt: sendAt ?? iso(world.now()) };
        chat.outgoing = chat.outgoing.map((other) => (other === text ? moved : other));
        changed(row.key);
        void send(row.key, chat, moved);
      }
      return null;
    },
    discardText: async (_account: string, id: string) => {
      for (const { chat, row } of bureau.talks.values()) {
        if (!chat?.outgoing.some((candidate) => candidate.id === id)) continue;
        chat.outgoing = chat.outgoing.filter((candidate) => candidate.id !== id);
        changed(row.key);
      }
      return null;
    },
    beginChat: async (account: string, person: string): Promise<ConversationKey | null> => {
      const name = personName(person) ?? fail('invalid_input', 'person');
      const state = bureau.accounts.find(({ id, channel }) => id === account && channel === 'telegram')?.state.kind;
      if (state !== 'live' && state !== 'catching_up') fail('not_connected', 'the account is not connected');
      const username = 'username' in name ? name.username : strangers.find(({ phone }) => phone === name.phone)?.username;
      const begun = [...bureau.talks.values()].find(({ row, chat }) => row.key.account === account && username !== undefined && chat?.username === username);
      if (begun) return begun.row.key;
      const found = strangers.find((stranger) => stranger.username === username);
      if (!found) return null;
      const key = { account, id: `n${world.now()}` };
      const chat: Chat = { kind: 'private', name: found.name, username: found.username, messages: [], outgoing: [], away: 0, begun: world.now(), triage: 'open', assignee: null };
      bureau.talks.set(key.id, { person: { name: found.name, address: '', company: false, tongue: 'uk' }, seed: 0, live: [], unreadFrom: 0, html: null, chat, row: chatRow(account, key.id, chat) });
      changed(key);
      return key;
    },
    uploadProgress: async (id: string) => goingUp.get(id) ?? null,
    giveUpUpload: async (id: string) => {
      stopped.add(id);
      return null;
    },
    editMessage: async (key: MessageKey, text: string, entities: EntityView[]) => {
      const { message, conversation } = ownOf(key);
      if (text.trim() === '') fail('invalid_input', 'text');
      world.edits.push(structuredClone({ text, entities }));
      message.text = text;
      if (message.chat) message.chat = { ...message.chat, entities, editedAt: iso(world.now()), versions: message.chat.versions + 1 };
      changed(conversation, 0, [key]);
      return null;
    },
    deleteMessage: async (key: MessageKey) => {
      const { message, conversation } = ownOf(key);
      message.goneAt = iso(world.now());
      changed(conversation, 0, [key]);
      return null;
    },
    fetchFile: async (_account: string, id: string, tell: (progress: FileProgress) => void) => {
      const { file, message, key } = fileOf(id);
      stopped.delete(id);
      const totalKib = Math.ceil(file.size / 1024);
      for (let step = 0; step <= 10; step++) {
        tell({ doneKib: Math.round((totalKib * step) / 10), totalKib });
        await pause(file.size > 1_000_000_000 ? 1500 : 60);
        if (stopped.has(id)) return false;
      }
      if (file.size > 1_000_000_000) throw new IpcError({ code: 'limited', detail: '420 FLOOD_WAIT_30' });
      if (file.media) file.media.url = bytes(file);
      changed(key, 0, [message.key]);
      return true;
    },
    cancelFetch: async (_account: string, id: string) => {
      stopped.add(id);
      return null;
    },
    loadOlder: (key: ConversationKey) => page50(key),
    loadWholeChat: async (key: ConversationKey, tell: (loaded: OlderLoaded) => void) => {
      stopped.delete(key.id);
      let stored = 0;
      while (!stopped.has(key.id)) {
        const loaded = await page50(key, 2000);
        stored += loaded.stored;
        tell({ ...loaded, stored });
        if (loaded.beginning) break;
      }
      return null;
    },
    stopLoading: async (key: ConversationKey) => {
      stopped.add(key.id);
      return null;
    },
    messageVersions: async (key: MessageKey): Promise<MessageVersionView[]> => {
      const message = bureau.messages(key.id.split('-')[0] ?? '').find((candidate) => candidate.key.id === key.id) ?? fail('not_found');
      const at = Date.parse(message.receivedAt);
      return Array.from({ length: message.chat?.versions ?? 0 }, (_, i) => ({ text: i === 0 ? 'Добрий день. Сфотографуйте всі сторінки.' : 'Добрий день, пані Олено. Сфотографуйте, будь ласка, усі сторінки.', entities: [], editedAt: i === 0 ? null : iso(at + 20_000), replacedAt: iso(at + (i + 1) * 20_000) }));
    },
  };
}
