import { type Key, t } from '../i18n/index.svelte';
import type { AccountStateView, ErrorCode } from '../ipc/client';
import type { IconName } from '../components/icons';

/** What happened, in plain words. */
export const errorTitle = (code: ErrorCode): string => t(`error.${code}`);

const hints = {
  name_not_found: 'hint.name_not_found',
  network: 'hint.network',
  timeout: 'hint.timeout',
  certificate: 'hint.certificate',
  tls: 'hint.tls',
  sign_in: 'hint.sign_in',
  app_password: 'hint.app_password',
  limited: 'hint.limited',
  protocol: 'hint.protocol',
  refused: 'hint.refused',
  settings: 'hint.settings',
  secrets: 'hint.secrets',
  database: 'hint.database',
  internal: 'hint.internal',
} as const satisfies Partial<Record<ErrorCode, Key>>;

/** What to do about it; empty where the title says all. */
export function errorHint(code: ErrorCode): string {
  return code in hints ? t(hints[code as keyof typeof hints]) : '';
}

/** How a state is drawn: its own shape and its tone; the word stands beside it. */
export interface Mark {
  icon: IconName;
  tone: 'ok' | 'warn' | 'danger' | 'info' | 'off';
}

const marks: Record<AccountStateView['kind'], Mark> = {
  idle: { icon: 'todo', tone: 'off' },
  connecting: { icon: 'sync', tone: 'info' },
  catching_up: { icon: 'sync', tone: 'info' },
  live: { icon: 'live', tone: 'ok' },
  backing_off: { icon: 'wait', tone: 'warn' },
  needs_sign_in: { icon: 'key', tone: 'danger' },
  misconfigured: { icon: 'bad', tone: 'danger' },
  limited: { icon: 'limit', tone: 'warn' },
  elsewhere: { icon: 'live', tone: 'info' },
  stopped: { icon: 'pause', tone: 'off' },
};

export const stateMark = (kind: AccountStateView['kind']): Mark => marks[kind];

/** Whether the account waits for a person. */
export const needsPerson = (state: AccountStateView): boolean => state.kind === 'needs_sign_in' || state.kind === 'misconfigured';
