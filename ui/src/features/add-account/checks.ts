import type { MailboxForm, SecurityName, TokensForm } from '../../ipc/client';

/** The fields that can be wrong before a server is asked. */
export type Field = 'address' | 'imapHost' | 'imapPort' | 'smtpHost' | 'smtpPort' | 'user' | 'password' | 'imapSecurity' | 'smtpSecurity' | 'date' | 'name' | keyof TokensForm;

/** Something before and after one `@`, without spaces; the rest is for the server to judge. */
export const isAddress = (text: string): boolean => /^[^\s@]+@[^\s@]+$/.test(text.trim());

/** The longest name of an account, in characters. */
export const LONGEST_NAME = 200;

export const isName = (text: string): boolean => text.trim() !== '' && [...text.trim()].length <= LONGEST_NAME;

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host.trim());

const plainElsewhere = (security: SecurityName, host: string): boolean => security === 'loopback_plain' && !isLoopback(host);

/** Whether nothing was typed as tokens. */
export const isBlank = ({ clientId, clientSecret, refreshToken, tokenEndpoint }: TokensForm): boolean => [clientId, clientSecret, refreshToken, tokenEndpoint].every((text) => text.trim() === '');

/** An encrypted address, or one of this computer; Rust looks closer. */
const isEndpoint = (text: string): boolean => {
  if (!URL.canParse(text.trim())) return false;
  const { protocol, hostname } = new URL(text.trim());
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
};

/** What is missing of what signs in; what is kept needs nothing, unless something of it is typed anew. */
export function badSecrets({ auth }: MailboxForm, password: string, tokens: TokensForm, needed: boolean): Field[] {
  if (auth === 'password') return needed && password === '' ? ['password'] : [];
  if (!needed && isBlank(tokens)) return [];
  const bad: Field[] = [];
  if (tokens.clientId.trim() === '') bad.push('clientId');
  if (tokens.refreshToken.trim() === '') bad.push('refreshToken');
  if (!isEndpoint(tokens.tokenEndpoint)) bad.push('tokenEndpoint');
  return bad;
}

/** What is wrong with the servers and with what signs in, in the order of the fields. */
export function badFields(form: MailboxForm, password: string, tokens: TokensForm, needed: boolean): Field[] {
  const secrets = badSecrets(form, password, tokens, needed);
  const bad: Field[] = secrets.filter((field) => field === 'password');
  if (form.user.trim() === '') bad.push('user');
  if (form.imapHost.trim() === '') bad.push('imapHost');
  if (!isPort(form.imapPort)) bad.push('imapPort');
  if (plainElsewhere(form.imapSecurity, form.imapHost)) bad.push('imapSecurity');
  if (form.smtpHost.trim() === '') bad.push('smtpHost');
  if (!isPort(form.smtpPort)) bad.push('smtpPort');
  if (plainElsewhere(form.smtpSecurity, form.smtpHost)) bad.push('smtpSecurity');
  return [...bad, ...secrets.filter((field) => field !== 'password')];
}
