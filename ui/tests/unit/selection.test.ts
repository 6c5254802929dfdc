import { beforeEach, expect, test } from 'vitest';

import { Selection } from '../../src/state/selection.svelte';

const order = ['a', 'b', 'c', 'd', 'e', 'f'];
let selection: Selection;
const chosen = () => [...selection.ids].sort().join('');

beforeEach(() => (selection = new Selection()));

test('a row is taken in and let go', () => {
  selection.toggle('b');
  selection.toggle('d');
  expect(chosen()).toBe('bd');
  selection.toggle('b');
  expect(chosen()).toBe('d');
});

test('a range goes from the row chosen last by itself, and the next range takes the place of the one before', () => {
  selection.toggle('a');
  selection.toggle('c');
  selection.extend(order, null, 'e');
  expect(chosen()).toBe('acde');
  selection.extend(order, null, 'b');
  expect(chosen()).toBe('abc');
});

test('with nothing chosen a range begins where the keys are', () => {
  selection.extend(order, 'c', 'b');
  expect(chosen()).toBe('bc');
  selection.extend(order, 'b', 'a');
  expect(chosen()).toBe('abc');
  selection.clear();
  selection.extend(order, 'f', 'e');
  expect(chosen()).toBe('ef');
});

test('what left the list is let go, and the range begins anew', () => {
  selection.all(order);
  selection.keep(new Set(['b', 'c']));
  expect(chosen()).toBe('bc');
  selection.toggle('b');
  selection.extend(['c', 'd'], 'd', 'd');
  expect(chosen()).toBe('cd');
});
