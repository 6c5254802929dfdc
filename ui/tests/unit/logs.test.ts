import { describe, expect, test } from 'vitest';

import { readyFilters, same } from '../../src/features/logs/filters';
import { grouped } from '../../src/features/logs/groups';
import { type Mark, marksIn, pieces } from '../../src/features/logs/pieces';
import type { LogRow } from '../../src/ipc/client';
import { everything } from '../../src/state/logs.svelte';

describe('marks of a line', () => {
  // "Mail stored uid=48213"
  const marks = [
    { from: 5, to: 15, word: null },
    { from: 18, to: 21, word: 1 },
  ];
  const parts = (text: string, start: number, all: readonly Mark[] = marks) => pieces(text, start, all).map(({ text: part, mark }) => (mark ? [part, mark.word] : part));

  test('are cut at the edges of each part that is drawn by itself', () => {
    expect(parts('Mail stored', 0)).toEqual(['Mail ', ['stored', null]]);
    expect(parts('uid', 12)).toEqual([['uid', null]]);
    expect(parts('48213', 16)).toEqual(['48', ['213', 1]]);
  });

  test('that lie elsewhere, or are none, leave the text whole', () => {
    expect(parts('x', 100)).toEqual(['x']);
    expect(parts('', 0)).toEqual([]);
    expect(parts('x', 0, [])).toEqual(['x']);
  });

  test('are of what is looked for and of words, whatever their case and whatever stands in them', () => {
    expect(marksIn('Нова (1) пошта', [{ from: 9, to: 14 }], ['НОВА', '(1)', 'ш'])).toEqual([
      { from: 0, to: 4, word: 0 },
      { from: 5, to: 8, word: 1 },
      { from: 9, to: 14, word: null },
      { from: 11, to: 12, word: 2 },
    ]);
    expect(marksIn('message-id=7/2', [], ['message-id', '7/2'])).toEqual([
      { from: 0, to: 10, word: 0 },
      { from: 11, to: 14, word: 1 },
    ]);
    expect(marksIn('x', [], [])).toEqual([]);
  });
});

describe('lines of one kind that follow each other', () => {
  const row = (cursor: string, message: string, account: string | null = null): LogRow => ({ cursor, at: '', level: 'INFO', area: 'email', account, message, fields: [], spans: [], marks: [] });
  const rows = [row('a', 'Mail stored'), row('b', 'Mail stored'), row('c', 'Mail stored', 'x'), row('d', 'Idle renewed'), row('e', 'Idle renewed')];
  const shown = (open: string[]) => grouped(rows, new Set(open)).map(({ row: { cursor }, from, to, times }) => [cursor, from, to, times]);

  test('are one, the last of them, and each by itself once one of them is opened', () => {
    expect(shown([])).toEqual([['b', 0, 1, 2], ['c', 2, 2, 1], ['e', 3, 4, 2]]);
    expect(shown(['e', 'c', 'gone'])).toEqual([['b', 0, 1, 2], ['c', 2, 2, 1], ['d', 3, 3, 2], ['e', 4, 4, 1]]);
    expect(grouped([], new Set())).toEqual([]);
  });
});

describe('filters', () => {
  test('mean the same whatever span is chosen, and whatever is said of a text that is not there', () => {
    expect(same(everything, { ...everything, since: '2026-11-22T10:00:00Z', regex: true, markOnly: true })).toBe(true);
    expect(same(everything, { ...everything, text: 'x' })).toBe(false);
    expect(same({ ...everything, text: 'x' }, { ...everything, text: 'x', regex: true })).toBe(false);
  });

  test('that are ready are each another one', () => {
    for (const one of readyFilters) expect(readyFilters.filter((other) => same(one.filter, other.filter))).toEqual([one]);
  });
});
