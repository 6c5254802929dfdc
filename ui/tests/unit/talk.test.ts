import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { Backend, Commands } from '../../src/ipc/backend';
import { type ConversationRow, IpcError, type MessageView, type OutgoingView, connectTo } from '../../src/ipc/client';
import { inbox } from '../../src/state/inbox.svelte';
import { Search } from '../../src/state/search.svelte';
import { Talk, expectedId } from '../../src/state/talk.svelte';

const a = { account: 'x', id: 'a' };
const b = { account: 'x', id: 'b' };

let stored: Record<string, number[]> = {};
let seen = true;
let asked: string[] = [];
let gates: Promise<void>[] = [];
let broken = false;
let reads: (string | null)[] = [];
let unread = 1;
let texts: Record<number, string> = {};
/** The newest message that was read; null where `seen` says it for all. */
let seenTo: number | null = null;
/** How many messages have the same time. */
let perSecond = 1;
/** Whether the messages are a chat's. */
let chat = false;
/** Where conversations went that were merged. */
let successors: Record<string, string> = {};

function message(conversation: string, n: number): MessageView {
  const at = new Date(Date.UTC(2026, 10, 22) + Math.floor(n / perSecond) * 1000).toISOString();
  return {
    key: { account: 'x', id: `m${n}` }, conversation, ours: false, authorName: '', authorAddress: '', to: [], cc: [], subject: '', text: texts[n] ?? '', textCut: false, quoteFrom: null, adopted: null, hasHtml: false,
    sentAt: null, receivedAt: at, arrivedAt: at, storedAt: at, seen: seenTo === null ? seen : n <= seenTo, answered: false, goneAt: null, removed: false, unreadable: null, kib: 1, files: [], chat: chat ? { author: null, entities: [], media: null, reply: null, forward: null, service: null, reactions: [], editedAt: null, versions: 0, readThere: false, album: [] } : null,
  };
}

const row = (id: string): ConversationRow => ({
  key: { account: 'x', id }, name: id, address: '', company: false, subject: '', snippet: '', lastIsOurs: false,
  lastAt: new Date(Date.UTC(2026, 10, 22)).toISOString(), unread, messages: 1, hasFiles: false, unreadable: false, mutedUntil: null, triage: 'open', assignee: null, stuckTexts: 0, chat: null,
});

const commands: Partial<Commands> = {
  messages: async (key, before, limit) => {
    asked.push(`${key.id} ${before ?? 'newest'}`);
    const all = [...(stored[key.id] ?? [])].sort((one, other) => one - other);
    await gates.shift();
    if (broken) throw new IpcError({ code: 'database', detail: 'gone' });
    const end = before === null ? all.length : all.indexOf(Number(before));
    const from = Math.max(0, end - limit);
    return { rows: all.slice(from, end).map((n) => message(key.id, n)), older: from === 0 ? null : String(all[from]), newer: end < all.length, outgoing: [] };
  },
  messagesAround: async (key, id, before, after) => {
    asked.push(`${key.id} around ${id}`);
    const all = [...(stored[key.id] ?? [])].sort((one, other) => one - other);
    const at = all.indexOf(Number(id.slice(1)));
    const end = at < 0 ? all.length : Math.min(all.length, at + 1 + after);
    const from = Math.max(0, end - before - 1 - after);
    return { rows: all.slice(from, end).map((n) => message(key.id, n)), older: from === 0 ? null : String(all[from]), newer: end < all.length, outgoing: [] };
  },
  messagesByKey: async (keys) => {
    asked.push(`keys ${keys.map(({ id }) => id).join()}`);
    return keys.map((key) => message('', Number(key.id.slice(1))));
  },
  conversations: async () => ({ rows: [row('a'), row('b')], next: null }),
  conversationsByKey: async (keys) => keys.map((key) => row(successors[key.id] ?? key.id)),
  search: async () => ({ hits: [{ message: { account: 'x', id: 'm1' }, conversation: row('a'), subject: '', snippet: '', at: row('a').lastAt }], next: null, pending: 0 }),
  markRead: async (_key, upTo) => {
    reads.push(upTo);
    return null;
  },
};

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const naming = (...keys: { account: string; id: string }[]) => ({ number: 1, conversations: keys, merged: [], messages: [], newMessages: 1, overflowed: false, countsChanged: false });
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
  reads = [];
  texts = {};
  seenTo = null;
  perSecond = 1;
  unread = 1;
  successors = {};
  connectTo({ commands: commands as Commands, listen: async () => () => undefined } satisfies Backend);
});

describe('the open conversation', () => {
  test('of a chat is loaded back to its first unread message, however many came', async () => {
    chat = true;
    seenTo = 49;
    const talk = new Talk();
    await talk.open(a);
    chat = false;
    expect([talk.unreadFrom, talk.unreadCount]).toEqual(['m50', 350]);
    expect(shown(talk)).toEqual(range(Number(talk.older), 400));
    await talk.loadOlder();
    expect(shown(talk)).toEqual(range(0, 400));
  });

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
    const text: OutgoingView = { account: 'x', id: 'o1', conversation: 'b', text: 'x', entities: [], reply: null, state: 'waiting', tries: 0, error: null, createdAt: new Date(0).toISOString(), sendAt: null, againAt: null, mail: null, files: [], forward: null };
    talk.echo(text);
    talk.echo(text);
    expect(talk.outgoing).toEqual([text]);
    await talk.retry();
    expect(talk.outgoing).toEqual([]);
  });

  test('shows a text from the moment it is sent off, once, also where its message is faster than the answer', async () => {
    const talk = new Talk();
    stored['b'] = range(1000, 1010);
    await talk.open(b);
    const text: OutgoingView = { account: 'x', id: expectedId(), conversation: 'b', text: '1011', entities: [], reply: null, state: 'sending', tries: 0, error: null, createdAt: new Date(0).toISOString(), sendAt: null, againAt: null, mail: null, files: [], forward: null };
    const handedOver = talk.expect([text]);
    expect(talk.leaving).toEqual([text]);
    const real = { ...text, id: 'o1' };
    talk.echo(real);
    expect(talk.leaving).toEqual([real]);
    await talk.retry();
    expect(talk.leaving).toEqual([text]);
    handedOver();
    expect(talk.leaving).toEqual([]);
    talk.expect([text]);
    await talk.open(a);
    expect(talk.leaving).toEqual([]);
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

  test('an edit far above is read by its key, and page by page where too much was named', async () => {
    const talk = new Talk();
    await talk.open(a, 'm5');
    while (talk.seeking) await pause(1);
    const textOf = (n: number) => talk.messages.find((one) => one.key.id === `m${n}`)?.text;
    texts = { 5: 'edited' };
    asked = [];
    talk.apply({ ...naming(a), messages: [{ account: 'x', id: 'm5' }, { account: 'x', id: 'm9999' }, { account: 'y', id: 'm6' }] });
    await pause();
    expect(textOf(5)).toBe('edited');
    expect(asked).toEqual(['a newest', 'keys m5']);
    texts = { 5: 'edited again', 150: 'and this' };
    talk.apply({ ...naming(a), messages: null });
    await pause();
    expect([textOf(5), textOf(150)]).toEqual(['edited again', 'and this']);
    expect(shown(talk)).toEqual(range(0, 400));
  });

  test('a file that was fetched while another conversation was opened reads nothing there', async () => {
    const talk = new Talk();
    await talk.open(b);
    asked = [];
    await talk.refresh(['m5']);
    expect(asked).toEqual([]);
  });

  test('what comes after everything was read stands below a line of its own', async () => {
    const talk = new Talk();
    seenTo = 1007;
    await talk.open(b);
    expect([talk.unreadFrom, talk.unreadCount]).toEqual(['m1008', 2]);
    stored['b']?.push(1010);
    talk.apply(naming(b));
    await pause();
    expect([talk.unreadFrom, talk.unreadCount], 'not read yet').toEqual(['m1008', 3]);
    seenTo = 1010;
    stored['b']?.push(1011);
    talk.apply(naming(b));
    await pause();
    expect([talk.unreadFrom, talk.unreadCount]).toEqual(['m1011', 1]);
  });

  test('messages of one second stand in the order of their keys', async () => {
    perSecond = 10;
    const talk = new Talk();
    stored['b'] = [1000, 1001, 1004, 1005];
    await talk.open(b);
    stored['b'] = range(1000, 1006);
    talk.apply(naming(b));
    await pause();
    expect(shown(talk)).toEqual(range(1000, 1006));
  });

  test('shows a chat’s message that is looked for among its neighbours, and goes on from there', async () => {
    chat = true;
    const talk = new Talk();
    stored['a'] = range(0, 5000);
    await talk.open(a, 'm1000');
    while (talk.seeking) await pause(1);
    expect([shown(talk), talk.newer]).toEqual([range(950, 1051), true]);
    stored['a'].push(5000);
    texts = { 1000: 'edited' };
    talk.apply({ ...naming(a), messages: [{ account: 'x', id: 'm1000' }] });
    await pause();
    expect([shown(talk), talk.messages[50]?.text]).toEqual([range(950, 1051), 'edited']);
    await talk.loadNewer();
    await talk.loadOlder();
    expect(shown(talk)).toEqual(range(900, 1101));
    stored['a'] = range(0, 1120);
    await talk.loadNewer();
    expect([shown(talk), talk.newer]).toEqual([range(900, 1120), false]);
    stored['a'].push(1120);
    talk.apply(naming(a));
    await pause();
    expect(shown(talk)).toEqual(range(900, 1121));
    expect(await talk.seek('m860'), 'close by').toBe(true);
    expect([shown(talk), talk.newer]).toEqual([range(810, 1121), false]);
    expect(await talk.seek('m99999')).toBe(false);
    chat = false;
  });

  test('lets go of what is far above once the newest is looked at', async () => {
    const talk = new Talk();
    stored['a'] = range(0, 700);
    await talk.open(a, 'm5');
    while (talk.seeking) await pause(1);
    talk.trim();
    await pause();
    expect(shown(talk)).toEqual(range(500, 700));
    await talk.loadOlder();
    expect(shown(talk)).toEqual(range(450, 700));
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
      expect(reads, 'behind another screen').toEqual([]);
      page.focus = false;
      inbox.front(true);
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads, 'in a window without focus').toEqual([]);
      page.focus = true;
      inbox.lookedAt();
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads).toEqual([null]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('reads a chat up to what is in view, an album to its last item', async () => {
    vi.useFakeTimers();
    try {
      chat = true;
      inbox.open(b);
      await vi.advanceTimersByTimeAsync(100);
      let shown: MessageView | undefined;
      inbox.lowest = () => shown ?? null;
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads, 'nothing is in view').toEqual([]);
      shown = inbox.talk.messages[4];
      inbox.lookedAt();
      await vi.advanceTimersByTimeAsync(3000);
      shown = inbox.talk.messages[6];
      if (shown?.chat) shown.chat.album = ['m1006', 'm1007'];
      inbox.lookedAt();
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads).toEqual(['m1004', 'm1007']);
    } finally {
      chat = false;
      inbox.lowest = null;
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
      expect(reads).toEqual([]);
      slow.open();
      await vi.advanceTimersByTimeAsync(3000);
      expect(reads).toEqual([null]);
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
    inbox.apply({ number: 1, conversations: [b], merged: [a], messages: [], newMessages: 0, overflowed: false, countsChanged: false });
    await pause();
    expect([inbox.openId, inbox.active, inbox.list.kept]).toEqual(['x/b', 'x/b', 'x/b']);
    expect(shown(inbox.talk).at(-1)).toBe(1009);
  });

  test('follows a notice to the conversation that its own became part of', async () => {
    delete stored['a'];
    successors = { a: 'b' };
    await inbox.follow(a);
    await pause();
    expect([inbox.openId, inbox.active, asked]).toEqual(['x/b', 'x/b', ['b newest']]);
  });

  test('follows a notice to the newest message where a hit is shown', async () => {
    chat = true;
    stored['a'] = range(0, 5000);
    inbox.open(a, { target: 'm1000' });
    await pause();
    expect([shown(inbox.talk).at(-1), inbox.talk.newer]).toEqual([1050, true]);
    await inbox.follow(a);
    await pause();
    chat = false;
    expect([shown(inbox.talk).at(-1), inbox.talk.newer, inbox.target]).toEqual([4999, false, null]);
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
