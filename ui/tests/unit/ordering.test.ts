import { describe, expect, test } from 'vitest';

import type { ConversationRow } from '../../src/ipc/client';
import { type ListFilter, type MergeOptions, entryOf, idOf, mergeRows, passes, settle } from '../../src/state/ordering';

const minute = (n: number) => new Date(Date.UTC(2026, 10, 22, 10, n)).toISOString();

function row(id: string, at: number, more: Partial<ConversationRow> = {}): ConversationRow {
  return {
    key: { account: 'a', id }, name: id, address: '', company: false, subject: '', snippet: '', lastIsOurs: false, chat: null, lastAt: minute(at),
    unread: 0, messages: 1, hasFiles: false, unreadable: false, mutedUntil: null, triage: 'open', assignee: null, stuckTexts: 0, ...more,
  };
}

const all: MergeOptions = { filter: { view: 'all', account: null, channel: null, unreadOnly: false, me: null }, pinned: new Set(), kept: null, edge: null };
const list = [row('c', 30), row('b', 20), row('a', 10)].map(entryOf);
const ids = (entries: readonly { row: ConversationRow }[]) => entries.map((entry) => entry.row.key.id).join('');

test('a conversation with a new mail moves to the top, a new one comes in at its place', () => {
  expect(ids(mergeRows(list, [row('a', 40)], all))).toBe('acb');
  expect(ids(mergeRows(list, [row('x', 25)], all))).toBe('cxba');
});

test('a pinned row keeps its place and shows its new content', () => {
  const merged = mergeRows(list, [row('a', 40, { snippet: 'new' })], { ...all, pinned: new Set([idOf({ account: 'a', id: 'a' })]) });
  expect(ids(merged)).toBe('cba');
  expect(merged[2]?.row.snippet).toBe('new');
  expect(ids(settle(merged, null, 'all'))).toBe('acb');
});

test('rows older than what is loaded are left to their own page', () => {
  expect(ids(mergeRows(list, [row('x', 5)], { ...all, edge: list[2] ?? null }))).toBe('cba');
  expect(ids(mergeRows(list, [row('x', 5)], all))).toBe('cbax');
});

test('what no longer passes the filter leaves, except the open conversation until another is opened', () => {
  const unread = { ...all, filter: { ...all.filter, unreadOnly: true } };
  expect(ids(mergeRows(list, [row('b', 20)], unread))).toBe('ca');
  const kept = mergeRows(list, [row('b', 20)], { ...unread, kept: 'a/b' });
  expect(ids(kept)).toBe('cba');
  expect(ids(settle(kept, 'a/b', 'all'))).toBe('cba');
  expect(ids(settle(kept, null, 'all'))).toBe('ca');
});

test('another account’s rows stay out', () => {
  expect(ids(mergeRows(list, [row('x', 50, { key: { account: 'z', id: 'x' } })], { ...all, filter: { ...all.filter, account: 'a' } }))).toBe('cba');
});

describe('the view of those who wait', () => {
  const waiting: MergeOptions = { ...all, filter: { ...all.filter, view: 'waiting' } };
  const queue = [row('a', 10), row('b', 20), row('c', 30)].map(entryOf);

  test('goes by who has waited longest; who writes again goes to the end', () => {
    expect(ids(mergeRows(queue, [row('x', 25)], waiting))).toBe('abxc');
    expect(ids(mergeRows(queue, [row('a', 40)], waiting))).toBe('bca');
    expect(ids(mergeRows(queue, [row('x', 5)], waiting))).toBe('xabc');
  });

  test('loses who was answered, put aside or done, and gets back who writes again', () => {
    expect(ids(mergeRows(queue, [row('b', 40, { lastIsOurs: true })], waiting))).toBe('ac');
    expect(ids(mergeRows(queue, [row('b', 20, { triage: 'pending' })], waiting))).toBe('ac');
    const done = mergeRows(queue, [row('b', 20, { triage: 'done' })], waiting);
    expect(ids(done)).toBe('ac');
    expect(ids(mergeRows(done, [row('b', 50)], waiting))).toBe('acb');
  });

  test('leaves who wrote later than what was read to their own page, but takes back one from within', () => {
    const some = { ...waiting, edge: queue[2] ?? null };
    expect(ids(mergeRows(queue, [row('x', 31)], some))).toBe('abc');
    const without = mergeRows(queue, [row('c', 30, { triage: 'done' })], some);
    expect(ids(without)).toBe('ab');
    expect(ids(mergeRows(without, [row('c', 30)], some))).toBe('abc');
  });

  test('keeps what is pinned or open where it is, until it may go', () => {
    const pinned = mergeRows(queue, [row('b', 20, { triage: 'done' })], { ...waiting, pinned: new Set(['a/b']) });
    expect(ids(pinned)).toBe('abc');
    expect(ids(settle(pinned, null, 'waiting'))).toBe('ac');
    const kept = mergeRows(queue, [row('a', 90)], { ...waiting, kept: 'a/a', edge: queue[2] ?? null });
    expect(ids(kept)).toBe('abc');
    expect(ids(settle(kept, 'a/a', 'waiting'))).toBe('bca');
  });
});

test('each view holds what Rust says it holds', () => {
  const rows = [
    row('open', 1), row('pending', 1, { triage: 'pending', lastIsOurs: true }), row('done', 1, { triage: 'done' }),
    row('mine', 1, { assignee: 'Я' }), row('mine-done', 1, { assignee: 'Я', triage: 'done' }), row('other', 1, { assignee: 'Інша', lastIsOurs: true }),
  ];
  const held = (view: ListFilter['view'], me: string | null = 'Я') => rows.filter((candidate) => passes({ ...all.filter, view, me }, candidate)).map((candidate) => candidate.name);
  expect(held('all').length).toBe(6);
  expect(held('mine')).toEqual(['mine']);
  expect(held('mine', null)).toEqual([]);
  expect(held('unassigned')).toEqual(['open', 'pending']);
  expect(held('waiting')).toEqual(['open', 'mine']);
  expect(held('done')).toEqual(['done', 'mine-done']);
});

test('fractions of a second are compared as times, not as text', () => {
  const rows = [row('whole', 0, { lastAt: '2026-11-22T10:00:04Z' }), row('half', 0, { lastAt: '2026-11-22T10:00:04.5Z' })];
  expect(ids(mergeRows([], rows, all))).toBe('halfwhole');
});

test('the input stays as it was', () => {
  const before = [...list];
  mergeRows(list, [row('a', 40)], all);
  expect(list).toEqual(before);
});
