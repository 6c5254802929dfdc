import type { ErrorCode } from '../../ipc/client';

/** The fields of signing in to Telegram that can be wrong. */
export type TelegramField = 'phone' | 'apiId' | 'apiHash' | 'session' | 'proxyHost' | 'proxyPort' | 'code' | 'password' | 'name';

/** What is typed before Telegram is asked. */
export interface Typed {
  phone: string;
  apiId: string;
  apiHash: string;
  session: string;
  proxyOn: boolean;
  proxyHost: string;
  proxyPort: number;
}

const MOST_ID = 2_147_483_647;

/** A number in international form; spaces, brackets and dashes are the writer's own. */
export function isPhone(text: string): boolean {
  const digits = text.replace(/[\s().-]/g, '');
  return /^\+?\d{7,15}$/.test(digits);
}

export const isApiId = (text: string): boolean => /^\d{1,10}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= MOST_ID;

export const isApiHash = (text: string): boolean => /^[0-9a-f]{32}$/i.test(text.trim());

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

/** What is wrong with a proxy. */
export function badProxy(host: string, port: number): TelegramField[] {
  const bad: TelegramField[] = [];
  if (!/^[^\s/:@]+$|^\[[0-9a-f:]+\]$/i.test(host.trim())) bad.push('proxyHost');
  if (!isPort(port)) bad.push('proxyPort');
  return bad;
}

/** What is wrong with the keys; what the program has already may be left out. */
export function badKeys(typed: Pick<Typed, 'apiId' | 'apiHash'>, known: boolean): TelegramField[] {
  const bad: TelegramField[] = [];
  if (!(known && typed.apiId.trim() === '') && !isApiId(typed.apiId)) bad.push('apiId');
  if (!(known && typed.apiHash.trim() === '') && !isApiHash(typed.apiHash)) bad.push('apiHash');
  return bad;
}

/** The field an answer of Telegram is about; null where it is about none. */
export function fieldOf(code: ErrorCode): TelegramField | null {
  if (code.startsWith('session_') && code !== 'session_duplicated' && code !== 'session_revoked') return 'session';
  const fields: Partial<Record<ErrorCode, TelegramField>> = {
    phone_invalid: 'phone', sign_up_required: 'phone', code_not_offered: 'phone', api_id_invalid: 'apiId', api_id_published: 'apiId', wrong_code: 'code', expired_code: 'code', wrong_password: 'password', proxy: 'proxyHost',
  };
  return fields[code] ?? null;
}
