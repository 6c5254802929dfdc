import { expect, test } from 'vitest';

import { emojis, foundIn, groups } from '../../src/features/conversation/write/emoji';
import type { Language } from '../../src/i18n/catalogue';

const all = await emojis();
const found = (text: string, language: Language) => foundIn(all, text, language).map(({ sign }) => sign);

test('every group has emoji, each once, with words in each language', () => {
  const list = groups.flatMap((group) => [...(all.get(group) ?? [])]);
  for (const group of groups) expect(all.get(group)?.length, group).toBeGreaterThan(10);
  expect(list.length).toBeGreaterThan(300);
  expect(new Set(list.map(({ sign }) => sign)).size).toBe(list.length);
  for (const { sign, words } of list) {
    expect(sign, sign).toMatch(/\p{Emoji}/u);
    for (const language of ['uk', 'en', 'pl'] as const) expect(words[language].trim(), `${sign} ${language}`).not.toBe('');
  }
});

test('are found by the beginnings of their words, in the language of the window', () => {
  expect(found('дяк', 'uk')).toContain('🙏');
  expect(found('thanks', 'en')).toContain('🙏');
  expect(found('dziękuję', 'pl')).toContain('🙏');
  expect(found('серце син', 'uk')).toEqual(['💙']);
  expect(found('ерце', 'uk')).toEqual([]);
});

test('without case, accents and the kind of an apostrophe', () => {
  for (const apostrophe of ['’', "'", 'ʼ', '`']) expect(found(`М${apostrophe}ЯЗИ`, 'uk')).toEqual(['💪']);
  expect(found('slonce', 'pl')).toContain('☀️');
  expect(found('zolte', 'pl')).toContain('💛');
});

test('in another language only where the window’s says nothing', () => {
  expect(found('pizza', 'uk')).toEqual(['🍕']);
  expect(found('сон', 'uk')).not.toContain('🌞');
  expect(found('zzzzz', 'uk')).toEqual([]);
});
