import { expect, test } from 'vitest';

import { soughtFor } from '../../src/features/conversation/person/handles';
import { faultsOf } from '../../src/features/settings/templates';
import { sinceMonth } from '../../src/i18n/format';
import { type Blanks, fill, languageWords, shortcutBefore, unfilled } from '../../src/state/filling';
import { matching } from '../../src/state/templates.svelte';

const blanks: Blanks = { name: 'Олена Вербицька', language: 'українська', account: 'Бюро Київ', manager: 'Ірина Коваль' };

test('what is known is filled in, wherever and however often it stands', () => {
  expect(fill('Вітаю, {name}! {name}, це {account}.\n{manager}, {language}', blanks)).toBe('Вітаю, Олена Вербицька! Олена Вербицька, це Бюро Київ.\nІрина Коваль, українська');
});

test('what is not known stays to be seen, and other braces are left alone', () => {
  expect(fill('{name} {manager} {Name} {total} {} { name } {{name}}', { ...blanks, name: ' ', manager: null })).toBe('{name} {manager} {Name} {total} {} { name } {{name}}');
  expect(fill('{{name}}', blanks)).toBe('{Олена Вербицька}');
});

test('what is filled in is not looked at again, nor are signs that mean something to replacing', () => {
  expect(fill('{name} {account}', { ...blanks, name: '{manager}', account: '$& $1 \\' })).toBe('{manager} $& $1 \\');
});

test('only the variables that were left open are warned of, each once', () => {
  expect(unfilled('{manager} і {manager}, {total}, {name}')).toEqual(['{manager}', '{name}']);
  expect(unfilled('Усе {заповнено} { manager }')).toEqual([]);
});

test('a shortcut counts at the start of a line or after a space, right before the caret', () => {
  const at = (text: string, caret = text.length) => shortcutBefore(text, caret);
  expect(at('/ціна')).toEqual({ from: 0, shortcut: 'ціна' });
  expect(at('Вітаю! /Ціна')).toEqual({ from: 7, shortcut: 'ціна' });
  expect(at('Вітаю!\n/a-b_1')).toEqual({ from: 7, shortcut: 'a-b_1' });
  expect(at('/ціна потім', 5)).toEqual({ from: 0, shortcut: 'ціна' });
  expect(at('\u00a0/ціна')).toEqual({ from: 1, shortcut: 'ціна' });
  for (const none of ['', '/', 'і/або', 'https://example', '//ціна', '/ціна ', '/ці.на', `/${'а'.repeat(33)}`]) expect(at(none), none).toBeNull();
});

test('a language has its name in its own words', () => {
  expect([languageWords('uk'), languageWords('pl'), languageWords('en')]).toEqual(['українська', 'polski', 'English']);
});

test('a template is refused for what the program would refuse', () => {
  const draft = { id: '1', name: 'Ціна', shortcut: 'ціна', body: 'Текст' };
  const others = [draft, { ...draft, id: '2', shortcut: 'вітаю' }];
  expect(faultsOf(draft, others)).toEqual({});
  expect(faultsOf({ ...draft, shortcut: null }, others)).toEqual({});
  expect(faultsOf({ ...draft, shortcut: '/ВІТАЮ' }, others)).toEqual({ shortcut: 'taken' });
  expect(faultsOf({ ...draft, name: '  ', shortcut: 'дві частини', body: '\n' }, others)).toEqual({ name: 'empty', shortcut: 'sign', body: 'empty' });
  expect(faultsOf({ ...draft, name: '𝔸'.repeat(100), shortcut: 'а'.repeat(32), body: 'б'.repeat(10_000) }, others)).toEqual({});
  expect(faultsOf({ ...draft, name: 'а'.repeat(101), shortcut: 'а'.repeat(33), body: 'б'.repeat(10_001) }, others)).toEqual({ name: 'long', shortcut: 'long', body: 'long' });
  expect(faultsOf({ ...draft, name: 'а\u0007' }, others)).toEqual({ name: 'sign' });
});

test('templates are found by all that was typed, by name before text', () => {
  const all = [
    { id: 'a', name: 'Адреса', shortcut: null, body: 'Ціна на місці' },
    { id: 'b', name: 'Ціна', shortcut: 'ц', body: 'Сторінка' },
  ];
  const ids = (typed: string) => matching(all, typed).map((template) => template.id).join('');
  expect([ids(''), ids('ціна'), ids('ЦІНА стор'), ids('/ц'), ids('нема')]).toEqual(['ab', 'ba', 'b', 'ba', '']);
});

test('a phone is looked for as it is stored, a name as it is typed', () => {
  expect([soughtFor(' +380 (00) 000-00 '), soughtFor('044 123'), soughtFor('@nick'), soughtFor('12'), soughtFor('Лот 4')]).toEqual(['+3800000000', '044123', '@nick', '12', 'Лот 4']);
});

test('a month stands in the case that "since" needs', () => {
  const at = new Date(2024, 2, 11);
  expect((['uk', 'pl', 'en'] as const).map((language) => sinceMonth(language, at))).toEqual(['березня\u00a02024', 'marca\u00a02024', 'March\u00a02024']);
});
