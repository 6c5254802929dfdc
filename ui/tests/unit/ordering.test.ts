import { expect, test } from 'vitest';

import type { ConversationRow } from '../../src/ipc/client';
import { type MergeOptions, entryOf, idOf, mergeRows, settle } from '../../src/state/ordering';

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

test('fractions of a second are compared as times, not as text', () => {
  const rows = [row('whole', 0, { lastAt: '2026-11-22T10:00:04Z' }), row('half', 0, { lastAt: '2026-11-22T10:00:04.5Z' })];
  expect(ids(mergeRows([], rows, all))).toBe('halfwhole');
});

test('the input stays as it was', () => {
  const before = [...list];
  mergeRows(list, [row('a', 40)], all);
  expect(list).toEqual(before);
});
