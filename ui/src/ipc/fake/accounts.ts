import type { AccountStateView, AccountView, HistoryMark, MailboxForm, TroubleView } from '../bindings';

/** The moment at which the invented bureau's clock starts. */
export const NOON = Date.parse('2026-11-22T10:04:33.000Z');

export const iso = (ms: number): string => new Date(ms).toISOString();
const ago = (seconds: number): string => iso(NOON - seconds * 1000);

function trouble(code: TroubleView['code'], detail: string, seconds: number): TroubleView {
  return { code, detail, at: ago(seconds) };
}

export function form(name: string, address: string, color: number): MailboxForm {
  const host = address.split('@')[1] ?? 'example.org';
  return {
    name, address, color,
    imapHost: `imap.${host}`, imapPort: 993, imapSecurity: 'tls',
    smtpHost: `smtp.${host}`, smtpPort: 465, smtpSecurity: 'tls',
    user: address, auth: 'password', since: '2026-09-01', caFile: null, folders: [], writeFlags: false,
  };
}

function day(...parts: [HistoryMark, number][]): HistoryMark[] {
  const marks = parts.flatMap(([mark, count]) => Array.from({ length: count }, () => mark));
  return [...Array.from({ length: Math.max(0, 96 - marks.length) }, (): HistoryMark => 'none'), ...marks].slice(-96);
}

interface Sketch {
  id: string;
  name: string;
  code: string;
  address: string;
  state: AccountStateView;
  since: number;
  history: HistoryMark[];
  lagMs?: number | null;
  backlog?: number;
  quarantined?: number;
  error?: TroubleView;
  heard?: number;
  last?: number;
}

const closed = trouble('network', 'read: connection reset by peer (os error 104) after 30 s', 62);
const refused = trouble('sign_in', 'A3 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)', 10_333);
const misspelt = trouble('name_not_found', 'failed to lookup address information: Name or service not known: imap.exmaple.org', 5400);
const limit = trouble('limited', 'BYE [ALERT] Too many simultaneous connections. Try again in 30 minutes.', 1206);

const sketches: Sketch[] = [
  { id: 'acc-zam', name: 'Замовлення', code: 'ЗМ', address: 'zamovlennia@example.org', state: { kind: 'live' }, since: 14_400, lagMs: 31, history: day(['live', 40], ['catching_up', 2], ['live', 54]), quarantined: 1 },
  { id: 'acc-kyiv', name: 'Бюро Київ', code: 'БК', address: 'kyiv@example.org', state: { kind: 'live' }, since: 14_500, lagMs: 24, history: day(['live', 96]) },
  { id: 'acc-lviv', name: 'Львів', code: 'ЛВ', address: 'lviv@example.org', state: { kind: 'live' }, since: 2680, lagMs: 19, history: day(['live', 80], ['retrying', 3], ['live', 13]), error: trouble('timeout', 'no answer to IDLE within 29 min', 2900) },
  { id: 'acc-waw', name: 'Warszawa', code: 'PL', address: 'biuro@example.pl', state: { kind: 'catching_up', done: 8214, total: 20_480 }, since: 180, lagMs: 1800, backlog: 12_266, history: day(['live', 60], ['none', 20], ['catching_up', 16]) },
  { id: 'acc-pry', name: 'Присяжні', code: 'ПР', address: 'prysiazhni@example.org', state: { kind: 'backing_off', until: iso(NOON + 38_000), why: closed, attempt: 5 }, since: 1040, lagMs: 1_020_000, history: day(['live', 30], ['catching_up', 3], ['live', 51], ['retrying', 12]), error: closed, heard: 1040 },
  { id: 'acc-buh', name: 'Бухгалтерія', code: 'БХ', address: 'rahunky@example.org', state: { kind: 'live' }, since: 50_000, lagMs: 42_000, history: day(['live', 96]) },
  { id: 'acc-not', name: 'Нотаріат', code: 'НТ', address: 'notariat@example.org', state: { kind: 'needs_sign_in', why: refused }, since: 10_333, history: day(['live', 84], ['failed', 12]), error: refused, heard: 10_333, last: 11_000 },
  { id: 'acc-rek', name: 'Реклама', code: 'РК', address: 'reklama@example.org', state: { kind: 'limited', until: iso(NOON + 8_720_000), why: limit }, since: 1206, history: day(['live', 90], ['retrying', 6]), error: limit },
  { id: 'acc-eng', name: 'English desk', code: 'EN', address: 'desk@exmaple.org', state: { kind: 'misconfigured', why: misspelt }, since: 5400, history: day(['failed', 6]), error: misspelt, heard: 5400, last: 90_000 },
  { id: 'acc-old', name: 'Стара скринька', code: 'СС', address: 'stara@example.org', state: { kind: 'stopped' }, since: 260_000, history: day(['paused', 96]), last: 300_000 },
];

/** Ten mailboxes, one or more in every state. */
export function bureauAccounts(): AccountView[] {
  return sketches.map((sketch, index) => {
    const color = (index % 8) + 1;
    return {
      id: sketch.id,
      channel: 'email',
      name: sketch.name,
      code: sketch.code,
      color,
      address: sketch.address,
      enabled: sketch.state.kind !== 'stopped',
      muted: false,
      state: sketch.state,
      stateSince: ago(sketch.since),
      lastMessageAt: ago(sketch.last ?? 40 + index * 61),
      lastHeardAt: ago(sketch.heard ?? 3 + index),
      lagMs: sketch.lagMs ?? null,
      backlog: sketch.backlog ?? 0,
      lastError: sketch.error ?? null,
      unread: 0,
      stored: 0,
      quarantined: sketch.quarantined ?? 0,
      mailbox: form(sketch.name, sketch.address, color),
      telegram: null,
      history: sketch.history,
    };
  });
}
