import type { AccountView, LogFilter, LogPage, LogRow } from '../bindings';
import { NOON, iso } from './accounts';
import { Random } from './random';

const ranks: Record<string, number> = { TRACE: 0, DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3 };
const least: Record<LogFilter['level'], number> = { debug: 0, info: 1, warn: 2, error: 3 };

type Sample = [level: string, area: string, message: string, fields: string];

const samples: Sample[] = [
  ['INFO', 'email', 'New mail found', 'count=1 from_uid=48213 to_uid=48213'],
  ['INFO', 'email', 'Mail stored', 'uid=48213 bytes=84120 ms=4'],
  ['INFO', 'events', 'Event sent', 'kind=conversation_changed seq=918442 window=main bytes=214'],
  ['DEBUG', 'events', 'Heartbeat received', 'window=main'],
  ['INFO', 'email', 'Folder selected', 'folder=INBOX exists=3120 uidvalidity=1 uidnext=3391'],
  ['INFO', 'email', 'Idle renewed', 'age=72 s folder=INBOX'],
  ['INFO', 'store', 'Search index caught up', 'rows=14 ms=22'],
  ['INFO', 'events', 'Command received', 'command=mark_read ms=1'],
  ['INFO', 'app', 'Checks finished', 'ok=7 warn=1 failed=1 unknown=1 ms=212'],
  ['WARN', 'email', 'Connection closed', 'why=timeout after 30 s attempt=5'],
  ['WARN', 'email', 'Retrying', 'in=38 s jitter=+4 s'],
  ['ERROR', 'email', 'Sign-in refused', 'code=AUTHENTICATIONFAILED reply=Invalid credentials'],
  ['INFO', 'email', 'TLS established', 'version=TLSv1.3 certificate=*.example.org'],
  ['INFO', 'email', 'Signed in', 'mechanism=PLAIN ms=61'],
];

/** A log of a few thousand lines that grows by itself. */
export class Logbook {
  readonly rows: LogRow[] = [];
  readonly #random = new Random(7);
  readonly #accounts: readonly AccountView[];

  constructor(count: number, accounts: readonly AccountView[]) {
    this.#accounts = accounts;
    for (let i = 0; i < count; i++) this.write(NOON - (count - i) * 860);
  }

  write(at: number): void {
    const random = this.#random;
    const common = random.chance(0.92);
    const [level, area, message, fields] = common ? random.pick(samples.filter((sample) => sample[0] === 'INFO' || sample[0] === 'DEBUG')) : random.pick(samples);
    const account = area === 'email' && this.#accounts.length > 0 ? random.pick(this.#accounts).id : null;
    this.rows.push({
      cursor: String(this.rows.length).padStart(9, '0'),
      at: iso(at + random.int(900)),
      level,
      area,
      account,
      message,
      fields: fields.split(/ (?=\w+=)/).map((field) => ({ name: field.split('=')[0] ?? '', value: field.slice(field.indexOf('=') + 1) })),
      spans: area === 'email' ? ['supervisor', 'listen'] : [],
    });
  }

  page(filter: LogFilter, anchor: { from: string; cursor?: string }, limit: number): LogPage {
    const text = filter.text.toLowerCase();
    const matching = this.rows.filter(
      (row) =>
        (ranks[row.level] ?? 0) >= least[filter.level] &&
        (filter.areas.length === 0 || filter.areas.includes(row.area)) &&
        (filter.account === null || row.account === filter.account) &&
        (text === '' || `${row.message} ${row.fields.map((field) => `${field.name}=${field.value}`).join(' ')}`.toLowerCase().includes(text)),
    );
    const cursor = anchor.cursor ?? '';
    const after = anchor.from === 'after' ? matching.filter((row) => row.cursor > cursor) : matching.filter((row) => anchor.from === 'newest' || row.cursor < cursor);
    const rows = anchor.from === 'after' ? after.slice(0, limit) : after.slice(-limit);
    const oldest = rows[0]?.cursor ?? '';
    const newest = rows.at(-1)?.cursor ?? cursor;
    return { rows, hasOlder: matching.some((row) => row.cursor < oldest), hasNewer: matching.some((row) => row.cursor > newest) };
  }
}
