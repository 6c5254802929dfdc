import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { working } from '../../src/i18n/format';
import { workday, worktime } from '../../src/state/worktime';

const HOUR = 3_600_000;
const week = { days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' };
const hours = (since: string, until: string, kept = week) => worktime(new Date(since), new Date(until), kept) / HOUR;

const zone = process.env['TZ'];
beforeAll(() => (process.env['TZ'] = 'Europe/Kyiv'));
afterAll(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

test('the clock of these tests is Kyiv’s', () => {
  expect(new Date('2026-11-20T12:00').getTimezoneOffset()).toBe(-120);
});

describe('time of work', () => {
  test('within a day is the time that passed', () => {
    expect(hours('2026-11-20T10:15', '2026-11-20T12:45')).toBe(2.5);
  });

  test('from Friday evening to Monday morning is Monday’s first minutes', () => {
    expect(hours('2026-11-20T19:40', '2026-11-23T09:20')).toBeCloseTo(1 / 3);
    expect(hours('2026-11-20T17:00', '2026-11-23T09:30')).toBe(1.5);
    expect(hours('2026-11-21T12:00', '2026-11-22T12:00')).toBe(0);
  });

  test('before the day begins and after it ended nothing is counted', () => {
    expect(hours('2026-11-20T06:00', '2026-11-20T09:00')).toBe(0);
    expect(hours('2026-11-20T06:00', '2026-11-20T10:00')).toBe(1);
    expect(hours('2026-11-20T17:30', '2026-11-20T23:00')).toBe(0.5);
    expect(hours('2026-11-20T23:00', '2026-11-20T10:00')).toBe(0);
  });

  test('follows the wall clock over both changes of it', () => {
    // Sunday 29 March 2026 has 23 hours in Kyiv, Sunday 25 October has 25.
    expect(hours('2026-03-27T17:00', '2026-03-30T10:00')).toBe(2);
    expect(hours('2026-10-23T17:00', '2026-10-26T10:00')).toBe(2);
    const nights = { days: [7], from: '00:00', to: '08:00' };
    expect(hours('2026-03-28T12:00', '2026-03-30T00:00', nights)).toBe(7);
    expect(hours('2026-10-24T12:00', '2026-10-26T00:00', nights)).toBe(9);
  });

  test('of years is the sum of its weeks, whatever way it is counted', () => {
    let sum = 0;
    for (let day = new Date('2024-03-06T00:00'); day < new Date('2026-11-20T00:00'); day.setDate(day.getDate() + 1)) if (week.days.includes(day.getDay() || 7)) sum += 9;
    expect(hours('2024-03-06T00:00', '2026-11-20T00:00')).toBe(sum);
    expect(hours('2024-03-06T11:00', '2026-11-20T11:30')).toBe(sum + 0.5);
  });

  test('with no day of work is all of it', () => {
    expect(hours('2026-11-20T18:00', '2026-11-23T18:00', { ...week, days: [] })).toBe(72);
  });
});

test('is said in hours up to a working day, then in such days', () => {
  const of = (time: number) => working('uk', time * HOUR, workday(week));
  expect([0.25, 1.5, 8.99, 9, 17.9, 18, 45].map(of)).toEqual(['15 хв', '1 год 30 хв', '8 год 59 хв', '1 роб. день', '1 роб. день', '2 роб. дні', '5 роб. днів']);
});
