import { type Key, t } from '../i18n/index.svelte';
import type { AccountStateView, AccountView, ErrorCode } from '../ipc/client';
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
  session_revoked: 'hint.session_revoked',
  limited: 'hint.limited',
  protocol: 'hint.protocol',
  refused: 'hint.refused',
  settings: 'hint.settings',
  secrets: 'hint.secrets',
  database: 'hint.database',
  old_database_unreachable: 'hint.old_database_unreachable',
  old_database_sign_in: 'hint.old_database_sign_in',
  old_database_foreign: 'hint.old_database_foreign',
  old_database_closed: 'hint.old_database_closed',
  old_database_read_only: 'hint.old_database_read_only',
  old_folder: 'hint.old_folder',
  adoption_busy: 'hint.adoption_busy',
  no_secret: 'hint.no_secret',
  internal: 'hint.internal',
} as const satisfies Partial<Record<ErrorCode, Key>>;

/** What to do about it; empty where the title says all. */
export function errorHint(code: ErrorCode): string {
  return code in hints ? t(hints[code as keyof typeof hints]) : '';
}

const telegramHints = {
  network: 'tg.hint.network',
  timeout: 'tg.hint.network',
  limited: 'tg.hint.limited',
  refused: 'tg.hint.refused',
  protocol: 'tg.hint.refused',
  invalid_input: 'tg.hint.invalid_input',
  already_exists: 'tg.hint.already_exists',
  secrets: 'hint.secrets',
  database: 'hint.database',
  internal: 'hint.internal',
  file: 'tg.hint.file',
  session_duplicated: 'tg.hint.session_duplicated',
  session_revoked: 'tg.hint.session_revoked',
  banned: 'tg.hint.banned',
  deactivated: 'tg.hint.deactivated',
  frozen: 'tg.hint.frozen',
  proxy: 'tg.hint.proxy',
  not_connected: 'tg.hint.not_connected',
  phone_invalid: 'tg.hint.phone_invalid',
  sign_up_required: 'tg.hint.sign_up_required',
  api_id_invalid: 'tg.hint.api_id_invalid',
  api_id_published: 'tg.hint.api_id_published',
  wrong_code: 'tg.hint.wrong_code',
  expired_code: 'tg.hint.expired_code',
  code_not_offered: 'tg.hint.code_not_offered',
  wrong_password: 'tg.hint.wrong_password',
  password_not_supported: 'tg.hint.password_not_supported',
  expired_qr: 'tg.hint.expired_qr',
  too_many_attempts: 'tg.hint.too_many_attempts',
  sign_in_over: 'tg.hint.sign_in_over',
  other_user: 'tg.hint.other_user',
  session_empty: 'tg.hint.session_paste',
  session_too_long: 'tg.hint.session_paste',
  session_byte_order_mark: 'tg.hint.session_paste',
  session_quoted: 'tg.hint.session_paste',
  session_spaces: 'tg.hint.session_paste',
  session_doubled: 'tg.hint.session_paste',
  session_truncated: 'tg.hint.session_paste',
  session_unknown: 'tg.hint.session_unknown',
  session_data_centre: 'tg.hint.session_other',
  session_no_key: 'tg.hint.session_other',
  session_address: 'tg.hint.session_other',
  session_bot: 'tg.hint.session_bot',
  session_test_servers: 'tg.hint.session_other',
  session_file_unreadable: 'tg.hint.session_other',
  session_file_in_use: 'tg.hint.session_file_in_use',
  session_file_damaged: 'tg.hint.session_other',
  no_secret: 'hint.no_secret',
} as const satisfies Partial<Record<ErrorCode, Key>>;

/** What happened with a Telegram account, in plain words: Telegram is no mail server. */
export function telegramTitle(code: ErrorCode): string {
  if (code === 'already_exists') return t('tg.error.already_exists');
  if (code === 'limited') return t('tg.error.limited');
  if (code === 'network') return t('tg.error.network');
  if (code === 'timeout') return t('tg.error.timeout');
  if (code === 'refused') return t('tg.error.refused');
  if (code === 'session_revoked') return t('tg.error.session_revoked');
  return errorTitle(code);
}

/** What to do about it; empty where the title says all. An account that is being added was never of another number. */
export function telegramHint(code: ErrorCode, adding = false): string {
  if (code === 'other_user' && adding) return t('tg.hint.other_number');
  return code in telegramHints ? t(telegramHints[code as keyof typeof telegramHints]) : '';
}

/** What happened with an account and what to do, in the words of its channel. */
export const accountTrouble = (account: AccountView, code: ErrorCode): { title: string; hint: string } =>
  account.channel === 'telegram' ? { title: telegramTitle(code), hint: telegramHint(code) } : { title: errorTitle(code), hint: errorHint(code) };

/** The other program that listens to an account; null where there is none. */
export const holderOf = (account: AccountView | undefined): string | null => (account?.state.kind === 'elsewhere' ? account.state.holder : null);

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
