import type { IconName } from '../components/icons';
import { t } from '../i18n/index.svelte';
import type { AccountView, ConversationView } from '../ipc/client';
import type { GuidePage } from '../state/guide';
import { openHelp } from '../state/help.svelte';
import { mails } from '../state/mails.svelte';
import { sectionLooks } from '../state/sections';
import { type SettingsSection, go, show } from '../state/route.svelte';

/** Somewhere that one can go, or something that can be begun, by its name. */
export interface Place {
  id: string;
  label: string;
  /** What it is part of; empty where its name says it. */
  of: string;
  icon: IconName;
  account?: AccountView;
  key?: string;
  go: () => void;
}

/** The views of conversations, with the letter that leads to each after G. */
export const views: readonly { kind: ConversationView; icon: IconName; key: string }[] = [
  { kind: 'mine', icon: 'user', key: 'M' },
  { kind: 'unassigned', icon: 'nobody', key: 'U' },
  { kind: 'waiting', icon: 'clock', key: 'W' },
  { kind: 'done', icon: 'check', key: 'D' },
  { kind: 'all', icon: 'stack', key: 'A' },
];
export const screenIcons = { accounts: 'accounts', outbox: 'send', diagnostics: 'pulse', logs: 'logs', settings: 'gear' } as const satisfies Record<string, IconName>;
const screens = ['accounts', 'outbox', 'diagnostics', 'logs', 'settings'] as const;
const pages: readonly GuidePage[] = ['manager', 'owner', 'administrator', 'errors'];

/** Everything that has a name in the window, the most usual first. */
export function places(accounts: readonly AccountView[], onkeys: () => void): Place[] {
  const writable = accounts.some((account) => account.mailbox !== null);
  return [
    ...views.map(({ kind, icon, key }) => ({ id: `view ${kind}`, label: t(`nav.${kind}`), of: '', icon, key: `G ${key}`, go: () => show({ kind }) })),
    ...(writable ? [{ id: 'new mail', label: t('mail.compose'), of: '', icon: 'pen' as const, key: 'C', go: () => void mails.composeHere() }] : []),
    ...screens.map((screen) => ({ id: screen, label: t(`nav.${screen}`), of: '', icon: screenIcons[screen], go: () => go({ screen }) })),
    { id: 'add account', label: t('accounts.add'), of: t('nav.accounts'), icon: 'plus', go: () => go({ screen: 'account' }) },
    ...accounts.map((account) => ({ id: `account ${account.id}`, label: account.name, of: t('nav.mailboxes'), icon: 'inbox' as const, account, go: () => show({ kind: 'account', account: account.id }) })),
    ...Object.entries(sectionLooks).map(([section, look]) => ({ id: `settings ${section}`, label: t(look.label), of: t('nav.settings'), icon: look.icon, go: () => go({ screen: 'settings', section: section as SettingsSection }) })),
    ...pages.map((page) => ({ id: `help ${page}`, label: t(`help.page.${page}`), of: t('nav.help'), icon: 'help' as const, go: () => openHelp({ page }) })),
    { id: 'keys', label: t('nav.keys'), of: t('nav.help'), icon: 'keyboard', key: '?', go: onkeys },
  ];
}

/** Those in whose names every word begins one. */
export function matching(all: readonly Place[], wanted: string): Place[] {
  const words = wanted.toLowerCase().split(/\s+/u).filter(Boolean);
  return all.filter((place) => {
    const named = ` ${place.label} ${place.of}`.toLowerCase().replaceAll(/[«»„”"']/gu, ' ');
    return words.every((word) => named.includes(` ${word}`));
  });
}
