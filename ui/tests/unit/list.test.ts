import { beforeEach, expect, test, vi } from 'vitest';

import type { Backend, Commands } from '../../src/ipc/backend';
import { type ConversationRow, IpcError, connectTo } from '../../src/ipc/client';
import { ConversationList } from '../../src/state/list.svelte';
import type { ListFilter } from '../../src/state/ordering';

vi.stubGlobal('requestAnimationFrame', (callback: () => void) => setTimeout(callback, 0));

const all: ListFilter = { view: 'all', account: null, channel: null, unreadOnly: false, me: null };

let rows: ConversationRow[] = [];
let asked: string[] = [];
let painted: string[] = [];
/** What is asked waits for these, in the order of asking. */
let gates: Promise<void>[] = [];
let broken = false;

function row(n: number, at = n): ConversationRow {
  return {
    key: { account: 'a', id: `c${n}` }, name: `${n}`, address: '', company: false, subject: '', snippet: '', lastIsOurs: false, chat: null,
    lastAt: new Date(Date.UTC(2026, 10, 22) + at * 1000).toISOString(), unread: 0, messages: 1, hasFiles: false, unreadable: false, mutedUntil: null, triage: 'open', assignee: null, stuckTexts: 0,
  };
}

const sorted = () => [...rows].sort((x, y) => Date.parse(y.lastAt) - Date.parse(x.lastAt));

const commands: Partial<Commands> = {
  conversations: async (filter, after, limit) => {
    asked.push(`page ${after ?? 'first'}`);
    if (broken) throw new IpcError({ code: 'database', detail: 'gone' });
    const from = after === null ? 0 : Number(after);
    const shown = filter.view === 'waiting' ? sorted().reverse().filter((candidate) => candidate.triage === 'open') : sorted();
    const page = { rows: shown.slice(from, from + limit), next: from + limit < shown.length ? String(from + limit) : null };
    await gates.shift();
    return page;
  },
  conversationsByKey: async (keys) => {
    asked.push(`keys ${keys.length}`);
    if (broken) throw new IpcError({ code: 'database', detail: 'gone' });
    return keys.flatMap((key) => rows.find((candidate) => candidate.key.id === key.id) ?? []);
  },
  painted: async (keys) => {
    painted.push(...keys.map((key) => key.id));
    return null;
  },
};

beforeEach(() => {
  rows = Array.from({ length: 500 }, (_, n) => row(n));
  asked = [];
  painted = [];
  gates = [];
  broken = false;
  connectTo({ commands: commands as Commands, listen: async () => () => undefined } satisfies Backend);
});

/** Until nothing has been asked for a while. */
async function settled(): Promise<void> {
  for (let before = -1; before !== asked.length; ) {
    before = asked.length;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}
const facts = (...ids: number[]) => ({ number: 1, conversations: ids.map((n) => ({ account: 'a', id: `c${n}` })), merged: [], messages: [], newMessages: ids.length, overflowed: false, countsChanged: false });
const ids = (list: ConversationList, count: number) => list.entries.slice(0, count).map((entry) => entry.row.key.id);

async function opened(): Promise<ConversationList> {
  const list = new ConversationList();
  await list.open(all);
  return list;
}

test('the first page is shown and the next is read when its rows come near', async () => {
  const list = await opened();
  expect(list.entries.length).toBe(100);
  list.look({ first: 60, last: 70, held: false });
  await settled();
  expect(list.entries.length).toBe(200);
  expect(asked).toEqual(['page first', 'page 100']);
});

test('a new mail moves its conversation to the top and is said to be painted', async () => {
  const list = await opened();
  list.look({ first: 0, last: 9, held: false });
  rows[450] = row(450, 9000);
  list.apply(facts(450));
  await settled();
  expect(ids(list, 2)).toEqual(['c450', 'c499']);
  expect(painted).toEqual(['c450']);
});

test('nothing in view moves while the pointer is in the list, and everything does once it leaves', async () => {
  const list = await opened();
  list.look({ first: 0, last: 4, held: true });
  rows[497] = row(497, 9000);
  rows.push(row(700, 9001));
  list.apply(facts(497, 700));
  await settled();
  expect(ids(list, 6)).toEqual(['c700', 'c499', 'c498', 'c497', 'c496', 'c495']);
  expect([...list.unseen]).toEqual(['a/c700']);
  list.look({ first: 1, last: 5, held: false });
  expect(ids(list, 3)).toEqual(['c700', 'c497', 'c499']);
});

test('what came in above is no longer new once the top is in view', async () => {
  const list = await opened();
  list.look({ first: 20, last: 29, held: false });
  rows.push(row(701, 9002), row(702, 9003));
  list.apply(facts(701, 702));
  await settled();
  expect(list.unseen.size).toBe(2);
  list.look({ first: 0, last: 9, held: false });
  expect(list.unseen.size).toBe(0);
});

test('an overflow reads the list again as deep as somebody looks', async () => {
  const list = await opened();
  list.look({ first: 150, last: 160, held: false });
  await settled();
  asked = [];
  rows.push(...Array.from({ length: 300 }, (_, n) => row(1000 + n, 20_000 + n)));
  list.apply({ number: 1, conversations: [], merged: [], messages: [], newMessages: 300, overflowed: true, countsChanged: true });
  await settled();
  expect(asked).toEqual(['page first', 'page 100', 'page 200']);
  expect(ids(list, 1)).toEqual(['c1299']);
  expect(new Set(list.entries.map((entry) => entry.id)).size).toBe(list.entries.length);
});

test('a burst of facts is read in a few bundles', async () => {
  const list = await opened();
  asked = [];
  for (let n = 0; n < 150; n++) list.apply(facts(n));
  await settled();
  expect(asked.length).toBeLessThanOrEqual(2);
});

test('merged conversations are forgotten', async () => {
  const list = await opened();
  list.apply({ number: 1, conversations: [], merged: [{ account: 'a', id: 'c499' }], messages: [], newMessages: 0, overflowed: false, countsChanged: false });
  expect(ids(list, 1)).toEqual(['c498']);
});

test('an answer that comes after the filter changed is thrown away', async () => {
  const list = new ConversationList();
  const slow = list.open(all);
  rows = [row(1)];
  await list.open({ ...all, account: 'a' });
  await slow;
  expect(list.entries.length).toBe(1);
});

/** A gate and what opens it. */
function gate(): { closed: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  return { closed, open };
}

/** Whether every row follows the one before it without a gap. */
const gapless = (list: ConversationList) => list.entries.every((entry, index) => index === 0 || Number(list.entries[index - 1]?.row.name) - Number(entry.row.name) === 1);

test('another view starts from its own top and takes no page of the one before', async () => {
  const list = await opened();
  list.look({ first: 60, last: 70, held: false });
  await settled();
  asked = [];
  const opening = list.open({ ...all, account: 'a' });
  list.look({ first: 0, last: 0, held: false });
  await list.loadMore();
  await opening;
  await settled();
  expect(asked).toEqual(['page first']);
  list.look({ first: 60, last: 70, held: false });
  await settled();
  expect(list.entries.length).toBe(200);
  expect(gapless(list)).toBe(true);
});

test('a page that was asked for before a re-read does not land after it', async () => {
  const list = await opened();
  for (let depth = 60; depth < 300; depth += 100) {
    list.look({ first: depth, last: depth + 10, held: false });
    await settled();
  }
  const slow = gate();
  gates = [slow.closed];
  const paging = list.loadMore();
  list.look({ first: 0, last: 9, held: false });
  list.apply({ number: 1, conversations: [], merged: [], messages: [], newMessages: 0, overflowed: true, countsChanged: false });
  await settled();
  slow.open();
  await paging;
  expect(list.entries.length).toBe(100);
  expect(gapless(list)).toBe(true);
});

test('what facts name while the first page is read is read after it', async () => {
  const slow = gate();
  gates = [slow.closed];
  const list = new ConversationList();
  const opening = list.open(all);
  rows[450] = row(450, 9000);
  list.apply(facts(450));
  await settled();
  expect(asked).toEqual(['page first']);
  slow.open();
  await opening;
  await settled();
  expect(ids(list, 1)).toEqual(['c450']);
});

test('facts that could not be read are told, kept and read again', async () => {
  const list = await opened();
  broken = true;
  rows[450] = row(450, 9000);
  list.apply(facts(450));
  await settled();
  expect(list.error?.code).toBe('database');
  expect(list.phase).toBe('ready');
  broken = false;
  await list.retry();
  await settled();
  expect(list.error).toBeNull();
  expect(ids(list, 1)).toEqual(['c450']);
});

test('a row that is far down is reached page by page', async () => {
  const list = await opened();
  expect(await list.reach('a/c220')).toBe(279);
  expect(await list.reach('a/none')).toBe(-1);
  expect(gapless(list)).toBe(true);
});

test('when all that is loaded was put aside, what comes next is read, and an undo brings it back in order', async () => {
  const list = new ConversationList();
  await list.open({ ...all, view: 'waiting' });
  expect(ids(list, 2)).toEqual(['c0', 'c1']);
  rows = rows.map((old, n) => (n < 90 ? { ...old, triage: 'done' } : old));
  list.apply(facts(...Array.from({ length: 90 }, (_, n) => n)));
  await settled();
  expect(ids(list, 1)).toEqual(['c90']);
  expect(list.entries.length).toBeGreaterThan(50);
  // The pages of this test go by number: the window is told of what came back, as by Rust.
  rows = rows.map((old, n) => (n < 90 ? { ...old, triage: 'open' } : old));
  list.apply(facts(...Array.from({ length: 90 }, (_, n) => n)));
  await settled();
  expect(ids(list, 92)).toEqual(Array.from({ length: 92 }, (_, n) => `c${n}`));
});

test('the open conversation goes once another is opened, when nothing holds the list', async () => {
  const list = new ConversationList();
  await list.open({ ...all, view: 'waiting' });
  list.kept = 'a/c0';
  rows[0] = { ...row(0), triage: 'done' };
  list.apply(facts(0));
  await settled();
  expect(ids(list, 2)).toEqual(['c0', 'c1']);
  list.kept = 'a/c1';
  expect(ids(list, 1)).toEqual(['c1']);
});
