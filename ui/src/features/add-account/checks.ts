import type { MailboxForm, SecurityName } from '../../ipc/client';

/** The fields that can be wrong before a server is asked. */
export type Field = 'address' | 'imapHost' | 'imapPort' | 'smtpHost' | 'smtpPort' | 'user' | 'password' | 'imapSecurity' | 'smtpSecurity' | 'date' | 'name';

/** Something before and after one `@`, without spaces; the rest is for the server to judge. */
export const isAddress = (text: string): boolean => /^[^\s@]+@[^\s@]+$/.test(text.trim());

/** The longest name of an account, in characters. */
export const LONGEST_NAME = 200;

export const isName = (text: string): boolean => text.trim() !== '' && [...text.trim()].length <= LONGEST_NAME;

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host.trim());

const plainElsewhere = (security: SecurityName, host: string): boolean => security === 'loopback_plain' && !isLoopback(host);

/** What is wrong with the servers and the password, in the order of the fields. */
export function badFields(form: MailboxForm, password: string, passwordNeeded: boolean): Field[] {
  const bad: Field[] = [];
  if (passwordNeeded && password === '') bad.push('password');
  if (form.user.trim() === '') bad.push('user');
  if (form.imapHost.trim() === '') bad.push('imapHost');
  if (!isPort(form.imapPort)) bad.push('imapPort');
  if (plainElsewhere(form.imapSecurity, form.imapHost)) bad.push('imapSecurity');
  if (form.smtpHost.trim() === '') bad.push('smtpHost');
  if (!isPort(form.smtpPort)) bad.push('smtpPort');
  if (plainElsewhere(form.smtpSecurity, form.smtpHost)) bad.push('smtpSecurity');
  return bad;
}
