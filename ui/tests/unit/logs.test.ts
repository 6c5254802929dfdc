import { describe, expect, test } from 'vitest';

import { readyFilters, same } from '../../src/features/logs/filters';
import { pieces } from '../../src/features/logs/pieces';
import { everything } from '../../src/state/logs.svelte';

describe('marks of a line', () => {
  // "Mail stored uid=48213"
  const marks = [
    { from: 5, to: 15 },
    { from: 18, to: 21 },
  ];

  test('are cut at the edges of each part that is drawn by itself', () => {
    expect(pieces('Mail stored', 0, marks)).toEqual([{ text: 'Mail ', hit: false }, { text: 'stored', hit: true }]);
    expect(pieces('uid', 12, marks)).toEqual([{ text: 'uid', hit: true }]);
    expect(pieces('48213', 16, marks)).toEqual([{ text: '48', hit: false }, { text: '213', hit: true }]);
  });

  test('that lie elsewhere, or are none, leave the text whole', () => {
    expect(pieces('x', 100, marks)).toEqual([{ text: 'x', hit: false }]);
    expect(pieces('', 0, marks)).toEqual([]);
    expect(pieces('x', 0, [])).toEqual([{ text: 'x', hit: false }]);
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
