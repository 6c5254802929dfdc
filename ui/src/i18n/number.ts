import type { Language } from './catalogue';

/** The tag for `Intl`: British dates and 24 hours for English. */
export const tags: Record<Language, string> = { uk: 'uk-UA', en: 'en-GB', pl: 'pl-PL' };

const formats = new Map<string, Intl.NumberFormat>();

/** `1 248` or `1,248`; four digits are grouped in every language. */
export function formatNumber(language: Language, value: number, digits = 0): string {
  const name = `${language} ${digits}`;
  let format = formats.get(name);
  if (!format) {
    format = new Intl.NumberFormat(tags[language], { maximumFractionDigits: digits, useGrouping: 'always' } as Intl.NumberFormatOptions);
    formats.set(name, format);
  }
  return format.format(value);
}
