import type { IconName } from '../../../components/icons';
import { f, t } from '../../../i18n/index.svelte';
import type { HandleKindView, KnownHandle } from '../../../ipc/client';

const icons: Record<HandleKindView, IconName> = { email: 'mail', phone: 'phone', telegram_username: 'tg', telegram: 'tg' };

export const handleIcon = ({ kind }: KnownHandle): IconName => icons[kind];

/** A handle as people write it. */
export function handleWords({ kind, value }: KnownHandle): string {
  if (kind === 'phone') return f.phone(value);
  if (kind === 'telegram_username') return `@${value}`;
  return kind === 'telegram' ? t('person.noUsername') : value;
}

/** What is looked for: a phone as it is stored, however it was typed. */
export function soughtFor(text: string): string {
  const typed = text.trim();
  return /^\+?[\d\s().-]{4,}$/.test(typed) && /\d{3}/.test(typed.replace(/\D/g, '')) ? typed.replace(/[^\d+]/g, '') : typed;
}
