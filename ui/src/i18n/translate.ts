import type { Arguments, Catalogue, Key, Language, Plural } from './catalogue';
import { en } from './en';
import { formatNumber } from './number';
import { pl } from './pl';
import { uk } from './uk';

export const catalogues: Record<Language, Catalogue> = { uk, en, pl };

const plurals: Record<Language, Intl.PluralRules> = {
  uk: new Intl.PluralRules('uk'),
  en: new Intl.PluralRules('en'),
  pl: new Intl.PluralRules('pl'),
};

/** A message in a language, its placeholders filled, its plural chosen by `n`. */
export function translate<K extends Key>(language: Language, key: K, ...[values]: Arguments<K>): string {
  const message: string | Plural = catalogues[language][key];
  const given = (values ?? {}) as Record<string, string | number>;
  const text = typeof message === 'string' ? message : pluralForm(language, message, given['n']);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = given[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? formatNumber(language, value) : isolated(value);
  });
}

/** Letters that are written from right to left, and the marks that turn the direction of what follows. */
const turns = /[\u0590-\u08FF\u200F\uFB1D-\uFDFF\uFE70-\uFEFC]|[\uD802\uD803\uD83A\uD83B][\uDC00-\uDFFF]/;
const marks = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** A value that cannot turn the sentence around it: names are what strangers chose. */
function isolated(value: string): string {
  const bare = value.replace(marks, '');
  return turns.test(bare) ? `\u2068${bare}\u2069` : bare;
}

function pluralForm(language: Language, forms: Plural, n: string | number | undefined): string {
  const category = plurals[language].select(Number(n)) as keyof Plural;
  return forms[category] ?? forms.other;
}
