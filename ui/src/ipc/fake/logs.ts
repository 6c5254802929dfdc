import type { AccountView, LogAnchor, LogFilter, LogHistogram, LogMark, LogNews, LogPage, LogProgress, LogRow } from '../bindings';
import { IpcError } from '../error';
import { NOON, iso } from './accounts';
import { Random } from './random';

const ranks: Record<string, number> = { TRACE: 0, DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3 };
const levels = ['debug', 'info', 'warn', 'error'] as const;
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
      marks: [],
    });
  }

  /** A search that was stopped has looked at a tenth of the log. */
  page(filter: LogFilter, anchor: LogAnchor, limit: number, stopped = false): LogPage {
    const wanted = wantedBy(filter);
    const all = this.#matching(filter);
    const stoppedAt = stopped ? (this.rows[Math.floor(this.rows.length * 0.9)]?.cursor ?? null) : null;
    const matching = stoppedAt === null ? all : all.filter((row) => row.cursor >= stoppedAt);
    const [from, to] = window(matching, anchor, limit);
    const rows = matching.slice(from, to).map((row) => ({ ...row, marks: wanted ? marks(textOf(row), wanted) : [] }));
    return { rows, hasOlder: from > 0 || stoppedAt !== null, hasNewer: to < matching.length, stoppedAt };
  }

  /** The newest rows after one, and whether others were passed over. */
  news(filter: LogFilter, after: string | null, limit: number): LogNews {
    const wanted = wantedBy(filter);
    const all = this.#matching(filter).filter((row) => after === null || row.cursor > after);
    return { rows: all.slice(-limit).map((row) => ({ ...row, marks: wanted ? marks(textOf(row), wanted) : [] })), passed: all.length > limit };
  }

  histogram(filter: LogFilter, buckets: number): LogHistogram | null {
    const matching = this.#matching(filter);
    const times = matching.map((row) => Date.parse(row.at));
    const from = filter.since === null ? (times[0] ?? 0) : Date.parse(filter.since);
    const until = filter.until === null ? (times.at(-1) ?? 0) + 1 : Date.parse(filter.until);
    if (matching.length === 0) return null;
    const each = Math.max(1, Math.ceil((until - from) / buckets));
    const bars = Array.from({ length: buckets }, () => ({ debug: 0, info: 0, warn: 0, error: 0 }));
    for (const [at, row] of matching.entries()) {
      const bar = bars[Math.floor(((times[at] ?? 0) - from) / each)];
      const level = levels[ranks[row.level] ?? 0];
      if (bar && level) bar[level] += 1;
    }
    return { from: iso(from), until: iso(from + each * buckets), buckets: bars };
  }

  #matching(filter: LogFilter): LogRow[] {
    const wanted = filter.markOnly ? null : wantedBy(filter);
    const left = (row: LogRow) =>
      filter.exclude.some(({ what, value }) => (what === 'area' ? row.area === value : what === 'account' ? row.account === value : textOf(row).toLowerCase().includes(value.toLowerCase())));
    return this.rows.filter(
      (row) =>
        (ranks[row.level] ?? 0) >= least[filter.level] &&
        (filter.areas.length === 0 || filter.areas.includes(row.area)) &&
        (filter.account === null || row.account === filter.account) &&
        (filter.since === null || row.at >= filter.since) &&
        (filter.until === null || row.at < filter.until) &&
        !left(row) &&
        (wanted === null || textOf(row).search(wanted) >= 0),
    );
  }
}

/** Searches that may take long, and can be stopped. */
export class LogSearches {
  /** Those that were stopped. */
  readonly #stopped = new Set<number>();
  readonly #slow: boolean;

  constructor(slow: boolean) {
    this.#slow = slow;
  }

  stop(search: number): null {
    this.#stopped.add(search);
    return null;
  }

  async run<T>(long: boolean, search: number, told: (progress: LogProgress) => void, lines: number, answer: (stopped: boolean) => T): Promise<T> {
    for (let step = 0; this.#slow && long && step < 100 && !this.#stopped.has(search); step++) {
      await new Promise((done) => setTimeout(done, 100));
      told({ searched: Math.round((lines * 850 * step) / 100), lines: lines * 850, found: step * 23 });
    }
    return answer(this.#stopped.delete(search));
  }
}

const textOf = (row: LogRow): string => [row.message, ...row.fields.map((field) => `${field.name}=${field.value}`)].join(' ');

function wantedBy({ text, regex }: LogFilter): RegExp | null {
  if (text === '') return null;
  try {
    return new RegExp(regex ? text : text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');
  } catch {
    throw new IpcError({ code: 'invalid_input', detail: `the search expression cannot be used: ${text}` });
  }
}

const marks = (text: string, wanted: RegExp): LogMark[] => [...text.matchAll(wanted)].filter(([found]) => found !== '').map((found) => ({ from: found.index, to: found.index + found[0].length }));

/** From and until which of the rows a window reaches. */
function window(rows: readonly LogRow[], anchor: LogAnchor, limit: number): [number, number] {
  const at = (is: (row: LogRow) => boolean) => {
    const index = rows.findIndex(is);
    return index < 0 ? rows.length : index;
  };
  const back = (to: number): [number, number] => [Math.max(0, to - limit), to];
  const both = (place: number): [number, number] => [Math.max(0, place - Math.floor(limit / 2)), Math.min(rows.length, place + Math.ceil(limit / 2))];
  switch (anchor.from) {
    case 'newest':
      return back(rows.length);
    case 'before':
      return back(at((row) => row.cursor >= anchor.cursor));
    case 'after': {
      const from = at((row) => row.cursor > anchor.cursor);
      return [from, Math.min(rows.length, from + limit)];
    }
    case 'around':
      return both(at((row) => row.cursor >= anchor.cursor));
    case 'at':
      return both(at((row) => row.at >= anchor.moment));
  }
}
