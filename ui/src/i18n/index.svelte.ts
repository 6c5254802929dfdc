import type { Arguments, Key, Language } from './catalogue';
import * as formats from './format';
import { formatNumber } from './number';
import { translate } from './translate';

export { languageFor, languageNames, languages } from './catalogue';
export type { Key, Language } from './catalogue';

let language = $state<Language>('uk');

/** The language the window speaks. */
export const currentLanguage = (): Language => language;

/** Changes the language of the whole window. */
export function speak(chosen: Language): void {
  language = chosen;
  if (typeof document !== 'undefined') document.documentElement.lang = chosen;
}

/** A message in the window's language. Reading it in markup follows a change of language. */
export const t = <K extends Key>(key: K, ...values: Arguments<K>): string => translate(language, key, ...values);

/** Numbers, dates and sizes in the window's language. */
export const f = {
  number: (value: number, digits = 0) => formatNumber(language, value, digits),
  time: (at: Date) => formats.clockTime(language, at),
  seconds: (at: Date) => formats.clockSeconds(language, at),
  millis: (at: Date) => formats.clockMillis(language, at),
  machineTime: formats.machineTime,
  logTime: (at: Date, now: Date) => formats.logTime(language, at, now),
  full: (at: Date) => formats.fullDate(language, at),
  short: (at: Date, now: Date) => formats.shortDate(language, at, now),
  shortTime: (at: Date, now: Date) => formats.shortDateTime(language, at, now),
  coming: (at: Date, now: Date) => formats.comingTime(language, at, now),
  day: (at: Date, now: Date) => formats.day(language, at, now),
  dayLine: (at: Date, now: Date) => formats.dayLine(language, at, now),
  sinceMonth: (at: Date) => formats.sinceMonth(language, at),
  weekday: (day: number, length: 'long' | 'short') => formats.weekday(language, day, length),
  phone: formats.phone,
  waiting: (ms: number) => formats.waiting(language, ms),
  working: (ms: number, day: number) => formats.working(language, ms, day),
  span: (ms: number) => formats.span(language, ms),
  countdown: formats.countdown,
  bytes: (count: number) => formats.bytes(language, count),
};
