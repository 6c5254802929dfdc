import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { type Key, languageFor, languages } from '../../src/i18n/catalogue';
import { catalogues, translate } from '../../src/i18n/translate';

const master = catalogues.uk;
const keys = Object.keys(master) as Key[];

const texts = (message: string | object): string[] => (typeof message === 'string' ? [message] : (Object.values(message) as string[]));
const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort();

describe.each(languages)('the %s catalogue', (language) => {
  const catalogue = catalogues[language];

  test('has exactly the messages of the master, none of them empty', () => {
    expect(Object.keys(catalogue).sort()).toEqual([...keys].sort());
    for (const key of keys) for (const text of texts(catalogue[key])) expect(text.trim(), key).not.toBe('');
  });

  test('has the placeholders of the master in every message', () => {
    for (const key of keys) {
      const wanted = [...new Set(texts(master[key]).flatMap(names))].sort();
      const given = [...new Set(texts(catalogue[key]).flatMap(names))].sort();
      expect(given, key).toEqual(wanted);
    }
  });

  test('has a form for every plural category of the language', () => {
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const key of keys) {
      const message = catalogue[key];
      if (typeof message !== 'string') expect(Object.keys(message).sort(), key).toEqual(expect.arrayContaining([...categories].sort()));
    }
  });

  test('keeps the tone: no exclamation marks', () => {
    for (const key of keys) for (const text of texts(catalogue[key])) expect(text, key).not.toContain('!');
  });
});

test('plurals follow CLDR', () => {
  const of = (language: 'uk' | 'en' | 'pl', n: number) => translate(language, 'list.conversations', { n });
  expect([1, 2, 5, 11, 21, 22, 25].map((n) => of('uk', n))).toEqual(['1 розмова', '2 розмови', '5 розмов', '11 розмов', '21 розмова', '22 розмови', '25 розмов']);
  expect([1, 2, 5, 12, 22].map((n) => of('pl', n))).toEqual(['1 rozmowa', '2 rozmowy', '5 rozmów', '12 rozmów', '22 rozmowy']);
  expect([0, 1, 2].map((n) => of('en', n))).toEqual(['0 conversations', '1 conversation', '2 conversations']);
});

test('of a total, the noun follows the total', () => {
  expect([1, 21, 22, 25, 111].map((n) => translate('uk', 'state.catchingText', { done: 3, n }))).toEqual(['3 з 1 листа', '3 з 21 листа', '3 з 22 листів', '3 з 25 листів', '3 з 111 листів']);
  expect([1, 2, 5, 22].map((n) => translate('uk', 'diag.sum.warn', { n }))).toEqual(['1 зауваження', '2 зауваження', '5 зауважень', '22 зауваження']);
});

test('a name cannot turn the sentence around it', () => {
  const of = (name: string) => translate('en', 'chat.forwarded', { name });
  expect(of('\u202Eexe.gpj\u202C Olena\u2069')).toBe(of('exe.gpj Olena'));
  expect(of('\u202Eمترجم\u2069 Карім')).toBe(of('x').replace('x', '\u2068مترجم Карім\u2069'));
});

test('the system’s language decides, and an unknown one gives English', () => {
  expect(['uk-UA', 'uk_UA.UTF-8', 'pl', 'en-US', 'de-DE', undefined].map(languageFor)).toEqual(['uk', 'uk', 'pl', 'en', 'en', 'en']);
});

test('no message is left over', () => {
  const root = fileURLToPath(new URL('../../src', import.meta.url));
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(svelte|ts)$/.test(file) && !file.startsWith('i18n'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  const i18n = readFileSync(join(root, 'i18n/format.ts'), 'utf8');
  const built = [...sources.matchAll(/`([a-z]+(?:\.[a-z_]+)*\.)\$\{/gi)].map((match) => match[1] ?? '');
  const unused = keys.filter((key) => !sources.includes(`'${key}'`) && !i18n.includes(`'${key}'`) && !built.some((prefix) => key.startsWith(prefix)));
  expect(unused).toEqual([]);
});
