import type { Language } from '../i18n/catalogue';

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

/** Every page in every language of the window. */
export type Guide = Record<Language, Record<GuidePage, Block[]>>;

export const guidePages: readonly GuidePage[] = ['manager', 'owner', 'administrator', 'errors'];
