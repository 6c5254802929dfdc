import type { Language } from '../i18n/index.svelte';

/** The languages that the guide is written in. */
export type GuideLanguage = 'uk' | 'en';

/** A page of the guide: one for each role, and one for what errors mean. */
export type GuidePage = 'owner' | 'manager' | 'administrator' | 'errors';

/** A piece of a line. */
export type Inline =
  | { kind: 'plain' | 'strong' | 'code'; text: string }
  /** Leads to a heading of this or another page. */
  | { kind: 'link'; text: string; page: GuidePage; anchor: string };

/** A piece of a page. */
export type Block =
  | { kind: 'heading'; level: number; text: string; /** What links call it. */ ids: string[] }
  | { kind: 'text'; inlines: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Inline[][] };

/** Every page in every language. */
export type Guide = Record<GuideLanguage, Record<GuidePage, Block[]>>;

export const guidePages: readonly GuidePage[] = ['manager', 'owner', 'administrator', 'errors'];

/** The language in which somebody reads the guide: English where it is not written in theirs. */
export const guideLanguage = (language: Language): GuideLanguage => (language === 'uk' ? 'uk' : 'en');
