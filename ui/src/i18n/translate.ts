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
    return typeof value === 'number' ? formatNumber(language, value) : value;
  });
}

function pluralForm(language: Language, forms: Plural, n: string | number | undefined): string {
  const category = plurals[language].select(Number(n)) as keyof Plural;
  return forms[category] ?? forms.other;
}
