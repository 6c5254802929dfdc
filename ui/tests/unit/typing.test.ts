import { expect, test } from 'vitest';

import { type Change, linked, toggled } from '../../src/features/conversation/write/typing';

/** A field as `a [b] c`: the brackets are the selection, or the caret. */
function field(drawn: string): { text: string; start: number; end: number } {
  const start = drawn.indexOf('⟦');
  const end = drawn.indexOf('⟧') - 1;
  return { text: drawn.replace(/[⟦⟧]/g, ''), start, end };
}
const drawn = (text: string, { from, to, insert, select }: Change): string => {
  const now = text.slice(0, from) + insert + text.slice(to);
  return `${now.slice(0, select[0])}⟦${now.slice(select[0], select[1])}⟧${now.slice(select[1])}`;
};

test.each([
  ['a ⟦b⟧ c', 'a **⟦b⟧** c'],
  ['a **⟦b⟧** c', 'a ⟦b⟧ c'],
  ['a ⟦**b**⟧ c', 'a ⟦b⟧ c'],
  ['a⟦ b ⟧c', 'a **⟦b⟧** c'],
  ['сло⟦⟧во', '**⟦слово⟧**'],
  ['**сло⟦⟧во**', '⟦слово⟧'],
  ['при⟦ві⟧т усім', '**⟦привіт⟧** усім'],
  ['a ⟦⟧ b', 'a **⟦⟧** b'],
  ['a **⟦⟧** b', 'a ⟦⟧ b'],
  ['**__⟦a⟧__**', '__⟦a⟧__'],
  ['__⟦a⟧__', '__**⟦a⟧**__'],
  ['⟦a\nb⟧', '**⟦a\nb⟧**'],
  ['⟦a\n\nb⟧', '⟦**a**\n\n**b**⟧'],
  ['⟦**a**\n\n**b**⟧', '⟦a\n\nb⟧'],
])('bold: %j', (before, after) => {
  const { text, start, end } = field(before);
  expect(drawn(text, toggled(text, start, end, '**'))).toBe(after);
});

test('code of several lines is a block, and back', () => {
  const change = toggled('a\nb', 0, 3, '`');
  expect(drawn('a\nb', change)).toBe('```\n⟦a\nb⟧\n```');
  expect(drawn('```\na\nb\n```', toggled('```\na\nb\n```', 4, 7, '`'))).toBe('⟦a\nb⟧');
});

test.each([
  ['ось ⟦договір⟧', 'ось [договір](⟦https://⟧)'],
  ['⟦https://example.org⟧', '[⟦⟧](https://example.org)'],
  ['ось ⟦⟧', 'ось [⟦⟧](https://)'],
])('link: %j', (before, after) => {
  const { text, start, end } = field(before);
  expect(drawn(text, linked(text, start, end))).toBe(after);
});
