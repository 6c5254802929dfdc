import type { Language } from './catalogue';
import { formatNumber, tags } from './number';
import { translate } from './translate';

const NO_BREAK = '\u00a0';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The ways a date or time is written. */
type Shape = 'weekday' | 'weekdayYear' | 'numeric' | 'time' | 'seconds' | 'millis' | 'dayMonth' | 'dayMonthYear' | 'full' | 'month';

const shapes: Record<Shape, Intl.DateTimeFormatOptions> = {
  time: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  seconds: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  millis: { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' },
  numeric: { day: '2-digit', month: '2-digit' },
  dayMonth: { day: 'numeric', month: 'short' },
  dayMonthYear: { day: 'numeric', month: 'short', year: 'numeric' },
  weekday: { weekday: 'long', day: 'numeric', month: 'long' },
  weekdayYear: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
  month: { day: 'numeric', month: 'long', year: 'numeric' },
  full: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZoneName: 'short' },
};

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(language: Language, shape: Shape): Intl.DateTimeFormat {
  const name = `${language} ${shape}`;
  let format = formats.get(name);
  if (!format) {
    format = new Intl.DateTimeFormat(tags[language], shapes[shape]);
    formats.set(name, format);
  }
  return format;
}

/** CLDR writes `п\u02bcятниця` with a letter that our typeface does not have. */
const APOSTROPHE = /\u02bc/gu;

const write = (language: Language, shape: Shape, at: Date): string => formatOf(language, shape).format(at).replaceAll(' ', NO_BREAK).replace(APOSTROPHE, '’');

/** `12:04`. */
export const clockTime = (language: Language, at: Date): string => write(language, 'time', at);

/** `12:04:33`. */
export const clockSeconds = (language: Language, at: Date): string => write(language, 'seconds', at);

/** `11:51:08,114`, the comma as the language writes it. */
export const clockMillis = (language: Language, at: Date): string => write(language, 'millis', at);

/** A log line's moment: to the thousandth today, with its day before. */
export const logTime = (language: Language, at: Date, now: Date): string =>
  at.toDateString() === now.toDateString() ? clockMillis(language, at) : `${write(language, 'numeric', at)}${NO_BREAK}${clockSeconds(language, at)}`;

/** A moment as machines write it, on this computer's clock: `2026-11-22 12:04:11.020 +02:00`. */
export function machineTime(at: Date): string {
  const zone = -at.getTimezoneOffset();
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  const local = new Date(at.getTime() + zone * MINUTE).toISOString().slice(0, 23).replace('T', ' ');
  return `${local} ${zone < 0 ? '-' : '+'}${two(Math.abs(zone) / 60)}:${two(Math.abs(zone) % 60)}`;
}

/** Weekday, date, time and zone: what tooltips show. */
export const fullDate = (language: Language, at: Date): string => write(language, 'full', at);

/** Today the time, yesterday the word, this year day and month, else with the year. */
export function shortDate(language: Language, at: Date, now: Date): string {
  const days = daysBetween(at, now);
  if (days === 0) return clockTime(language, at);
  if (days === 1) return translate(language, 'time.yesterday');
  return day(language, at, now);
}

/** Like `shortDate` with the time added: `вчора, 9:14`, `20 лист., 16:12`. */
export function shortDateTime(language: Language, at: Date, now: Date): string {
  if (daysBetween(at, now) === 0) return clockTime(language, at);
  return `${shortDate(language, at, now)}, ${clockTime(language, at)}`;
}

/** What is to come: today the time, tomorrow the word with it, else the day with it. */
export function comingTime(language: Language, at: Date, now: Date): string {
  const days = daysBetween(now, at);
  if (days === 0) return clockTime(language, at);
  return `${days === 1 ? translate(language, 'time.tomorrow') : day(language, at, now)}, ${clockTime(language, at)}`;
}

/** Day and month, with the year when it is not this one. */
export function day(language: Language, at: Date, now: Date): string {
  return write(language, at.getFullYear() === now.getFullYear() ? 'dayMonth' : 'dayMonthYear', at).replace(/\sр\.$/u, '');
}

/** `неділя, 22 листопада`, with the year when it is not this one. */
export const dayLine = (language: Language, at: Date, now: Date): string => write(language, at.getFullYear() === now.getFullYear() ? 'weekday' : 'weekdayYear', at);

/** `березня 2024`, as it stands after "since": a month beside a day has the case that it needs. */
export function sinceMonth(language: Language, at: Date): string {
  const parts = formatOf(language, 'month').formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((candidate) => candidate.type === type)?.value ?? '';
  return `${part('month')}${NO_BREAK}${part('year')}`;
}
/** A day of the week by its ISO number, 1 is Monday: `понеділок`, `пн`. */
export const weekday = (language: Language, day: number, length: 'long' | 'short'): string =>
  new Intl.DateTimeFormat(tags[language], { weekday: length, timeZone: 'UTC' }).format(Date.UTC(2024, 0, day)).replace(APOSTROPHE, '’');

/** A number in E.164 in groups as it is read aloud: `+380 00 000 00 01`. */
export function phone(number: string): string {
  const digits = /^\+?(\d{7,15})$/.exec(number)?.[1];
  if (digits === undefined) return number;
  const groups = digits.startsWith('380') ? [3, 2, 3, 2, 2] : digits.startsWith('48') ? [2, 3, 3, 3] : [digits.length % 3 || 3];
  const parts: string[] = [];
  let at = 0;
  for (const length of groups) {
    parts.push(digits.slice(at, at + length));
    at += length;
  }
  for (; at < digits.length; at += 3) parts.push(digits.slice(at, at + 3));
  return `+${parts.filter(Boolean).join(NO_BREAK)}`;
}

/** Whole calendar days from `at` to `now`; 0 for the future too. */
function daysBetween(at: Date, now: Date): number {
  const start = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.max(0, Math.round((start(now) - start(at)) / DAY));
}

/** How long somebody has been waiting, in words up to a day, then in days. */
export function waiting(language: Language, ms: number): string {
  if (ms < MINUTE) return translate(language, 'time.now');
  if (ms < HOUR) return translate(language, 'unit.min', { n: Math.floor(ms / MINUTE) });
  if (ms < DAY) {
    const h = Math.floor(ms / HOUR);
    const m = Math.floor((ms % HOUR) / MINUTE);
    return m === 0 ? translate(language, 'unit.h', { n: h }) : translate(language, 'unit.hMin', { h, m });
  }
  return translate(language, 'unit.days', { n: Math.floor(ms / DAY) });
}

/** How long somebody has been waiting in time of work: in words up to a working day of that length, then in those days. */
export function working(language: Language, ms: number, day: number): string {
  return ms < day ? waiting(language, ms) : translate(language, 'unit.workdays', { n: Math.floor(ms / day) });
}

/** `24 мс`, `1,8 с`, `17 хв`, `2 год`. */
export function span(language: Language, ms: number): string {
  if (ms < 1000) return translate(language, 'unit.ms', { n: Math.round(ms) });
  if (ms < 10_000) return translate(language, 'unit.s', { n: formatNumber(language, ms / 1000, 1) });
  if (ms < MINUTE) return translate(language, 'unit.s', { n: Math.round(ms / 1000) });
  return waiting(language, ms);
}

/** `0:38`, `12:04`: minutes and seconds that are left, never below zero. */
export function countdown(ms: number): string {
  const left = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}

/** `84 КБ`, `1,9 МБ`. Thousands of bytes, as shops and file managers count. */
export function bytes(language: Language, count: number): string {
  if (count < 1000) return translate(language, 'unit.B', { n: count });
  const units = ['unit.KB', 'unit.MB', 'unit.GB'] as const;
  let value = count / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return translate(language, units[unit] ?? 'unit.GB', { n: formatNumber(language, value, value < 10 ? 1 : 0) });
}
