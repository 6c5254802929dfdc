import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { Backend, Commands } from '../../src/ipc/backend';
import { type ConversationRow, IpcError, type MessageView, type OutgoingView, connectTo } from '../../src/ipc/client';
import { inbox } from '../../src/state/inbox.svelte';
import { Search } from '../../src/state/search.svelte';
import { Talk } from '../../src/state/talk.svelte';

const a = { account: 'x', id: 'a' };
const b = { account: 'x', id: 'b' };

let stored: Record<string, number[]> = {};
let seen = true;
let asked: string[] = [];
let gates: Promise<void>[] = [];
let broken = false;
let reads = 0;
let unread = 1;
/** Whether the messages are a chat's. */
let chat = false;
/** Where conversations went that were merged. */
let successors: Record<string, string> = {};

function message(conversation: string, n: number): MessageView {
  const at = new Date(Date.UTC(2026, 10, 22) + n * 1000).toISOString();
  return {
    key: { account: 'x', id: `m${n}` }, conversation, ours: false, authorName: '', authorAddress: '', to: [], cc: [], subject: '', text: '', textCut: false, quoteFrom: null, hasHtml: false,
    sentAt: null, receivedAt: at, arrivedAt: at, storedAt: at, seen, answered: false, goneAt: null, unreadable: null, kib: 1, files: [], chat: chat ? { author: null, entities: [], media: null, reply: null, forward: null, service: null, reactions: [], editedAt: null, versions: 0, readThere: false, album: [] } : null,
  };
}

const row = (id: string): ConversationRow => ({
  key: { account: 'x', id }, name: id, address: '', company: false, subject: '', snippet: '', lastIsOurs: false,
  lastAt: new Date(Date.UTC(2026, 10, 22)).toISOString(), unread, messages: 1, hasFiles: false, unreadable: false, mutedUntil: null, chat: null,
});

const commands: Partial<Commands> = {
  messages: async (key, before, limit) => {
    asked.push(`${key.id} ${before ?? 'newest'}`);
    const all = [...(stored[key.id] ?? [])].sort((one, other) => one - other);
    await gates.shift();
    if (broken) throw new IpcError({ code: 'database', detail: 'gone' });
    const end = before === null ? all.length : all.indexOf(Number(before));
    const from = Math.max(0, end - limit);
    return { rows: all.slice(from, end).map((n) => message(key.id, n)), older: from === 0 ? null : String(all[from]), outgoing: [] };
  },
  conversations: async () => ({ rows: [row('a'), row('b')], next: null }),
  conversationsByKey: async (keys) => keys.map((key) => row(successors[key.id] ?? key.id)),
  search: async () => ({ hits: [{ message: { account: 'x', id: 'm1' }, conversation: row('a'), subject: '', snippet: '', at: row('a').lastAt }], next: null, pending: 0 }),
  markRead: async () => {
    reads += 1;
    return null;
  },
};

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const naming = (...keys: { account: string; id: string }[]) => ({ conversations: keys, merged: [], newMessages: 1, overflowed: false, countsChanged: false });
const shown = (talk: Talk) => talk.messages.map((one) => Number(one.key.id.slice(1)));
const pause = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));

function gate(): { closed: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  return { closed, open };
}

beforeEach(() => {
  stored = { a: range(0, 400), b: range(1000, 1010) };
  seen = true;
  asked = [];
  gates = [];
  broken = false;
  reads = 0;
  unread = 1;
  successors = {};
  connectTo({ commands: commands as Commands, listen: async () => () => undefined } satisfies Backend);
});

describe('the open conversation', () => {
  test('is read again when facts named it while it was being read', async () => {
    const talk = new Talk();
    const slow = gate();
    gates = [slow.closed];
    const opening = talk.open(b);
    expect(talk.apply(naming(b))).toBe(true);
    stored['b']?.push(1010);
    slow.open();
    await opening;
    await pause();
    expect(shown(talk)).toEqual(range(1000, 1011));
  });

  test('misses nothing that was named while another one was being re-read', async () => {
    const talk = new Talk();
    await talk.open(a);
    const slow = gate();
    gates = [slow.closed];
    talk.apply(naming(a));
    await talk.open(b);
    stored['b']?.push(1010);
    talk.apply(naming(b));
    slow.open();
    await pause();
    expect(shown(talk)).toEqual(range(1000, 1011));
  });

  test('has no gap after more came than a page holds', async () => {
    const talk = new Talk();
    await talk.open(a);
    stored['a']?.push(...range(400, 480));
    talk.apply(naming(a));
    await pause();
    expect(shown(talk)).toEqual(range(450, 480));
    await talk.loadOlder();
    expect(shown(talk)).toEqual(range(400, 480));
  });

  test('goes on at its beginning when older messages came from the server, however much is loaded', async () => {
    const talk = new Talk();
    stored['a'] = range(100, 330);
    await talk.open(a);
    while (talk.older !== null) await talk.loadOlder();
    expect(shown(talk)).toEqual(range(100, 330));
    stored['a'] = range(40, 330);
    await talk.extend();
    while (talk.older !== null) await talk.loadOlder();
    expect(shown(talk)).toEqual(range(40, 330));
  });

  test('extends nothing while older ones are still stored', async () => {
    const talk = new Talk();
    await talk.open(a);
    asked = [];
    await talk.extend();
    expect(asked).toEqual([]);
  });

  test('shows a text of ours at once, and as long as it is on its way', async () => {
    const talk = new Talk();
    await talk.open(b);
    const text: OutgoingView = { id: 'o1', text: 'x', entities: [], state: 'waiting', tries: 0, error: null, createdAt: new Date(0).toISOString() };
    talk.echo(text);
    talk.echo(text);
    expect(talk.outgoing).toEqual([text]);
    await talk.retry();
    expect(talk.outgoing).toEqual([]);
  });

  test('a part of an album that became part of its first message goes, a mail that is not in the page stays', async () => {
    for (const inChat of [true, false]) {
      chat = inChat;
      stored['b'] = range(1000, 1010);
      const talk = new Talk();
      await talk.open(b);
      stored['b'] = range(1000, 1010).filter((n) => n !== 1005);
      talk.apply(naming(b));
      await pause();
      expect(shown(talk).includes(1005)).toBe(!inChat);
    }
    chat = false;
  });

  test('loads older mails until a search hit is among them', async () => {
    const talk = new Talk();
    await talk.open(a, 'm5');
    while (talk.seeking) await pause(1);
    expect(shown(talk)).toEqual(range(0, 400));
    expect(asked.length).toBe(3);
    expect(await talk.seek('none')).toBe(false);
  });

  test('says that it could not be read again, and is once it can', async () => {
    const talk = new Talk();
    await talk.open(b);
    broken = true;
    stored['b']?.push(1010);
    talk.apply(naming(b));
    await pause();
    expect([talk.phase, talk.error?.code]).toEqual(['ready', 'database']);
    broken = false;
    await talk.retry();
    expect(talk.error).toBeNull();
    expect(shown(talk)).toEqual(range(1000, 1011));
  });
});

describe('the inbox', () => {
  const page = { hidden: false, focus: true };

  beforeEach(() => {
    vi.stubGlobal('document', { get hidden() { return page.hidden; }, hasFocus: () => page.focus });
    vi.stubGlobal('navigator', { webdriver: false });
    vi.stubGlobal('requestAnimationFrame', (callback: () => void) => setTimeout(callback, 0));
    inbox.close();
    seen = false;
    page.focus = true;
    inbox.front(true);
  });

  test('reads nothing that nobody saw', async () => {
    vi.useFakeTimers();
    try {
      inbox.front(false);
      inbox.open(a);
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads, 'behind another screen').toBe(0);
      page.focus = false;
      inbox.front(true);
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads, 'in a window without focus').toBe(0);
      page.focus = true;
      inbox.lookedAt();
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  test('reads nothing before it is shown', async () => {
    vi.useFakeTimers();
    try {
      const slow = gate();
      gates = [slow.closed];
      inbox.open(a);
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads).toBe(0);
      slow.open();
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  test('follows the open conversation into the one it became part of', async () => {
    inbox.open(a);
    await pause();
    inbox.active = 'x/a';
    stored['b'] = [...(stored['b'] ?? []), ...(stored['a'] ?? [])];
    delete stored['a'];
    successors = { a: 'b' };
    inbox.apply({ conversations: [b], merged: [a], newMessages: 0, overflowed: false, countsChanged: false });
    await pause();
    expect([inbox.openId, inbox.active, inbox.list.kept]).toEqual(['x/b', 'x/b', 'x/b']);
    expect(shown(inbox.talk).at(-1)).toBe(1009);
  });
});

test('the rows of hits follow what happens to their conversations', async () => {
  const search = new Search();
  search.type('word', null);
  await search.now();
  expect(search.hits[0]?.conversation.unread).toBe(1);
  unread = 0;
  search.apply(naming(a));
  await pause();
  expect(search.hits[0]?.conversation.unread).toBe(0);
});
