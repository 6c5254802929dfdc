import { expect, test } from 'vitest';

import { bytes, clockTime, countdown, day, dayLine, logTime, machineTime, shortDate, shortDateTime, span, waiting, weekday } from '../../src/i18n/format';
import { formatNumber } from '../../src/i18n/number';

const now = new Date(2026, 10, 22, 12, 4, 33);
/** No-break spaces as plain ones, to be readable here; that they do not break is tested by itself. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

test('numbers are grouped in every language and the groups never break', () => {
  expect(plain(formatNumber('uk', 1248))).toBe('1 248');
  expect(plain(formatNumber('pl', 1248))).toBe('1 248');
  expect(formatNumber('en', 1248)).toBe('1,248');
  expect(formatNumber('uk', 8.4, 1)).toBe('8,4');
  expect(formatNumber('en', 8.4, 1)).toBe('8.4');
  expect(formatNumber('uk', 1_284_000)).not.toContain(' ');
});

test('today is a time, yesterday a word, this year a day and month, else with the year', () => {
  expect(shortDate('uk', new Date(2026, 10, 22, 9, 5), now)).toBe('09:05');
  expect(shortDate('uk', new Date(2026, 10, 21, 23, 59), now)).toBe('вчора');
  expect(shortDate('pl', new Date(2026, 10, 21, 0, 1), now)).toBe('wczoraj');
  expect(plain(shortDate('uk', new Date(2026, 10, 20), now))).toBe('20 лист.');
  expect(plain(shortDate('pl', new Date(2026, 10, 20), now))).toBe('20 lis');
  expect(plain(shortDate('en', new Date(2026, 10, 20), now))).toBe('20 Nov');
  expect(plain(shortDate('uk', new Date(2025, 9, 6), now))).toBe('6 жовт. 2025');
  expect(plain(shortDateTime('uk', new Date(2026, 10, 20, 16, 12), now))).toBe('20 лист., 16:12');
  expect(plain(day('en', new Date(2024, 1, 29), now))).toBe('29 Feb 2024');
  expect(clockTime('en', now)).toBe('12:04');
});

test('an apostrophe in a day’s name is one that our typeface has', () => {
  expect(plain(dayLine('uk', new Date(2026, 10, 27), now))).toBe('п’ятниця, 27 листопада');
  expect(weekday('uk', 5, 'long')).toBe('п’ятниця');
});

test('a clock that is wrong does not put a mail into the future', () => {
  expect(shortDate('uk', new Date(2026, 10, 25, 8, 0), now)).toBe('08:00');
  expect(waiting('uk', -5000)).toBe('щойно');
});

test('waiting is told in words up to a day, then in days', () => {
  const minute = 60_000;
  expect(waiting('uk', 13 * minute)).toBe('13 хв');
  expect(waiting('uk', 77 * minute)).toBe('1 год 17 хв');
  expect(waiting('en', 120 * minute)).toBe('2 h');
  expect(waiting('pl', 3 * 24 * 60 * minute)).toBe('3 dni');
  expect(waiting('uk', 25 * 60 * minute)).toBe('1 день');
});

test('spans, sizes and countdowns', () => {
  expect([24, 1800, 42_000, 1_020_000].map((ms) => span('uk', ms))).toEqual(['24 мс', '1,8 с', '42 с', '17 хв']);
  expect([512, 84_300, 1_912_400, 212_000_000, 4_200_000_000].map((size) => plain(bytes('uk', size)))).toEqual(['512 Б', '84 КБ', '1,9 МБ', '212 МБ', '4,2 ГБ']);
  expect(bytes('en', 999_600)).toBe('1 MB');
  expect([38_000, 61_000, 600, 0, -5].map(countdown)).toEqual(['0:38', '1:01', '0:01', '0:00', '0:00']);
});

test('a log line of another day says which', () => {
  expect(plain(logTime('uk', new Date(2026, 10, 22, 9, 5, 7, 42), now))).toBe('09:05:07,042');
  expect(plain(logTime('uk', new Date(2026, 10, 21, 9, 5, 7, 42), now))).toBe('21.11 09:05:07');
  expect(plain(logTime('en', new Date(2026, 10, 21, 9, 5, 7, 42), now))).toBe('21/11 09:05:07');
});

test('a log line’s own moment is told on this computer’s clock, with its zone', () => {
  const at = new Date(2026, 10, 22, 9, 5, 7, 42);
  expect(machineTime(at)).toMatch(/^2026-11-22 09:05:07\.042 [+-]\d\d:\d\d$/);
  expect(new Date(machineTime(at).replace(' ', 'T').replace(' ', '')).getTime()).toBe(at.getTime());
});
