import { clock } from './clock.svelte';
import { IpcError, type LogAnchor, type LogFilter, type LogHistogram, type LogNews, type LogPage, type LogProgress, type LogRow, type LogStats, ipc } from '../ipc/client';

const PAGE = 300;
/** So many rows are kept; those farthest from what is looked at are dropped. */
export const KEPT = 3000;
/** While lines pass faster than they can be shown, the newest are read so often, in milliseconds. */
const PASSING_EVERY = 1000;
/** How often the figures of what is kept are read while lines come, in milliseconds. */
const STATS_EVERY = 5000;
/** How often the lines are counted anew while they come, in milliseconds: every file is read for it. */
const COUNT_EVERY = 30_000;
/** The bars of the picture over the list. */
const BARS = 120;
/** How many names of filters are kept. */
const MOST_SAVED = 30;

/** A search that is under way. */
interface Search {
  wanted: 'rows' | 'picture';
  progress: LogProgress | null;
  /** Whether somebody has stopped it. */
  stopped: boolean;
}

/** So much earlier than the clock says is looked, in milliseconds: lines are on their way. */
const SLACK = 5000;
/** Each search has a number of its own, by which it can be stopped. */
let lastSearch = 0;

/** Everything from INFO up. */
export const everything: LogFilter = { level: 'info', areas: [], account: null, text: '', regex: false, markOnly: false, exclude: [], since: null, until: null };

/** A filter, whatever span of time was chosen. */
export const anyTime = (filter: LogFilter): LogFilter => ({ ...filter, since: null, until: null });

/** A window of the log: follows its end, or stands still while somebody reads. */
export class LogView {
  rows = $state.raw<readonly LogRow[]>([]);
  following = $state(true);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<IpcError | null>(null);
  stats = $state.raw<LogStats | null>(null);
  /** Lines written since following was paused, whatever the filter. */
  missed = $state(0);
  filter = $state.raw<LogFilter>(everything);
  /** How many lines there were when, over all the time that is kept. */
  histogram = $state.raw<LogHistogram | null>(null);

  /** How far a search is that takes long. */
  progress = $state.raw<LogProgress | null>(null);
  /** Where a search that somebody has stopped goes on. */
  stoppedAt = $state.raw<string | null>(null);
  /** Whether lines come faster than they can be shown, so that only the newest of them are rows. */
  passing = $state(false);

  /** How many rows fit on the screen. */
  readonly #screen: () => number;
  #hasOlder = false;
  /** Rows at the end were dropped to make room for older ones. */
  #endCut = false;
  #epoch = 0;
  /** Whether rows before or after those shown are being read. */
  #busy = false;
  /** Whether what came at the end is being read, and whether more has come meanwhile. */
  #looking = false;
  #again = false;
  /** How many pages are being read that take the place of all rows. */
  #renewing = 0;
  #written: number | null = null;
  #pausedAt: number | null = null;
  #follower: number | null = null;
  #closed = false;
  #statsAt = 0;
  #counting: 'no' | 'once' | 'again' = 'no';
  #countedAt = -Infinity;
  /** When the end of the log was last looked for, RFC 3339 in UTC. */
  #lookedAt = '';
  readonly #searches = new Map<number, Search>();

  constructor(screen: () => number) {
    this.#screen = screen;
  }

  async open(): Promise<void> {
    await this.newest();
    void this.refreshStats();
    const id = await ipc.followLogs((grew) => this.#grew(grew.written)).catch(() => null);
    if (this.#closed && id !== null) void ipc.unfollowLogs(id).catch(() => undefined);
    else this.#follower = id;
  }

  close(): void {
    this.#closed = true;
    this.#epoch += 1;
    this.stop();
    if (this.#follower !== null) void ipc.unfollowLogs(this.#follower).catch(() => undefined);
  }

  async choose(change: Partial<LogFilter>): Promise<void> {
    const before = this.filter;
    this.filter = { ...before, ...change };
    if (JSON.stringify(anyTime(before)) !== JSON.stringify(anyTime(this.filter))) void this.count();
    await this.newest();
  }

  /** Counts again when the lines were written. The span that was chosen is a part of the picture, so it cuts nothing off. */
  async count(): Promise<void> {
    if (this.#counting !== 'no') {
      this.#counting = 'again';
      this.stop('picture');
      return;
    }
    let counted: LogHistogram | null;
    do {
      this.#counting = 'once';
      this.#countedAt = performance.now();
      // An expression that is being typed, or a folder that cannot be read, leaves the picture.
      counted = await this.#search('picture', async (search, told) => (await ipc.logHistogram(anyTime(this.filter), BARS, search, told)) ?? (this.#searches.get(search)?.stopped ? this.histogram : null)).catch(() => this.histogram);
    } while (this.#counting !== 'once' && !this.#closed);
    this.histogram = counted;
    this.#counting = 'no';
  }

  /** Ends the searches that are under way, or those for one thing alone: what they have found is shown. */
  stop(only?: Search['wanted']): void {
    for (const [search, one] of this.#searches) {
      if (only !== undefined && only !== one.wanted) continue;
      one.stopped = true;
      void ipc.stopLogSearch(search).catch(() => undefined);
    }
  }

  async #search<T>(wanted: Search['wanted'], ask: (search: number, told: (progress: LogProgress) => void) => Promise<T>): Promise<T> {
    const search = ++lastSearch;
    const told = (progress: LogProgress | null) => {
      const known = this.#searches.get(search);
      if (known) known.progress = progress;
      const all = [...this.#searches.values()].filter((one) => one.progress !== null);
      this.progress = (all.find((one) => one.wanted === 'rows') ?? all[0])?.progress ?? null;
    };
    this.#searches.set(search, { wanted, progress: null, stopped: false });
    try {
      return await ask(search, told);
    } finally {
      this.#searches.delete(search);
      told(null);
    }
  }

  #page(anchor: LogAnchor, filter = this.filter, limit = PAGE): Promise<LogPage> {
    return this.#search('rows', (search, told) => ipc.logPage(filter, anchor, limit, search, told));
  }

  /** Shows the log at one of its lines, among its neighbours, or at a moment; answers with the first of its rows at or after it. */
  async show(anchor: Extract<LogAnchor, { from: 'around' | 'at' }>): Promise<LogRow | null> {
    const epoch = this.#anew();
    this.following = false;
    this.passing = false;
    this.#pausedAt = this.#written;
    this.missed = 0;
    this.#renewing += 1;
    try {
      const page = await this.#page(anchor);
      if (epoch !== this.#epoch) return null;
      this.#take(page);
      const place = anchor.from === 'around' ? page.rows.find((row) => row.cursor === anchor.cursor) : page.rows.find((row) => Date.parse(row.at) >= Date.parse(anchor.moment));
      return place ?? null;
    } catch (thrown) {
      if (epoch === this.#epoch) this.#fail(thrown);
      return null;
    } finally {
      this.#renewing -= 1;
    }
  }

  /** The next error after a line, or the one before it, among what the filter means; null where there is none, nothing where the search was stopped. */
  async nextError(from: LogRow | null, back: boolean): Promise<LogRow | null | undefined> {
    const anchor: LogAnchor = from === null ? { from: 'newest' } : back ? { from: 'before', cursor: from.cursor } : { from: 'after', cursor: from.cursor };
    const page = await this.#page(anchor, { ...this.filter, level: 'error' }, 1);
    return page.rows[0] ?? (page.stoppedAt === null ? null : undefined);
  }

  /** The end of the log. */
  async newest(): Promise<void> {
    const epoch = this.#anew();
    this.#lookedAt = new Date(clock.exact() - SLACK).toISOString();
    this.#renewing += 1;
    try {
      const page = await this.#page({ from: 'newest' });
      if (epoch === this.#epoch) this.#take(page);
    } catch (thrown) {
      if (epoch === this.#epoch) this.#fail(thrown);
    } finally {
      this.#renewing -= 1;
    }
    // What came meanwhile may have come too late for it.
    if (this.#again && this.following) void this.#newer();
  }

  /** What is still looked for will not be shown any more. */
  #anew(): number {
    this.stop('rows');
    return ++this.#epoch;
  }

  /** Shows a page in the place of everything else. */
  #take(page: LogPage): void {
    this.stoppedAt = page.stoppedAt;
    this.rows = page.rows;
    this.#hasOlder = page.hasOlder;
    this.#endCut = page.hasNewer;
    this.phase = 'ready';
    this.error = null;
  }

  /** Goes along with the end, or stands still and counts what comes. */
  async follow(on: boolean): Promise<void> {
    if (on === this.following) return;
    this.following = on;
    this.#pausedAt = on ? null : this.#written;
    this.missed = 0;
    if (on) await this.newest();
    else this.#passed();
  }

  /** Lines do not pass any more: what was passed over last is put before what is shown. */
  #passed(): void {
    if (!this.passing) return;
    this.passing = false;
    if (!this.#closed && this.rows.length < PAGE) void this.older();
  }

  /** Whether there may be rows before those shown. */
  get hasOlder(): boolean {
    return this.#hasOlder;
  }

  /** Puts older rows before what is shown. */
  async older(): Promise<void> {
    // Nobody stops a search to have it begin again by itself.
    if (this.stoppedAt === null) await this.#older(this.rows[0]?.cursor);
  }

  /** Goes on with a search that was stopped. */
  async searchOn(): Promise<void> {
    if (this.stoppedAt !== null) await this.#older(this.stoppedAt);
  }

  async #older(cursor: string | undefined): Promise<void> {
    if (cursor === undefined || !this.#hasOlder || this.#busy || this.#renewing > 0) return;
    this.#busy = true;
    const epoch = this.#epoch;
    const first = this.rows[0];
    try {
      const page = await this.#page({ from: 'before', cursor });
      // Others may have taken the place of the rows that it comes before.
      if (epoch !== this.#epoch || this.rows[0] !== first) return;
      const rows = [...page.rows, ...this.rows];
      this.#endCut ||= rows.length > KEPT;
      this.rows = rows.slice(0, KEPT);
      this.#hasOlder = page.hasOlder;
      this.stoppedAt = page.stoppedAt;
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#busy = false;
    }
  }

  /** While somebody reads: puts back the rows after those shown that were dropped. */
  async newer(): Promise<void> {
    const last = this.rows.at(-1);
    if (!last || !this.#endCut || this.#busy) return;
    this.#busy = true;
    const epoch = this.#epoch;
    try {
      const page = await this.#page({ from: 'after', cursor: last.cursor });
      if (epoch !== this.#epoch) return;
      this.rows = [...this.rows, ...page.rows].slice(-KEPT);
      this.#endCut = page.hasNewer;
      this.#hasOlder = true;
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#busy = false;
    }
  }

  async refreshStats(): Promise<void> {
    this.#statsAt = performance.now();
    if (performance.now() - this.#countedAt > COUNT_EVERY) void this.count();
    this.stats = await ipc.logStats().catch(() => this.stats);
  }

  /** Has details written for an hour, or no longer. */
  async details(on: boolean): Promise<void> {
    this.stats = await ipc.writeLogDetails(on);
  }

  #grew(written: number): void {
    this.#written = written;
    if (performance.now() - this.#statsAt > STATS_EVERY) void this.refreshStats();
    if (this.following) void this.#newer();
    else {
      this.#pausedAt ??= written;
      this.missed = written - this.#pausedAt;
    }
  }

  /** Reads what follows the last row; of more than can be shown, the newest. */
  async #newer(): Promise<void> {
    this.#again = true;
    if (this.#looking || this.#renewing > 0) return;
    this.#looking = true;
    try {
      // Nobody stops a search to have it begin again by itself.
      while (this.#again && this.following && this.#renewing === 0 && (this.rows.length > 0 || this.stoppedAt === null)) {
        this.#again = false;
        const epoch = this.#epoch;
        const last = this.rows.at(-1);
        const news = await ipc.logNews(last ? this.filter : this.#lately(), last?.cursor ?? null, this.passing ? this.#screen() : PAGE);
        if (epoch !== this.#epoch || !this.following) this.#again = true;
        else await this.#come(news);
      }
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#looking = false;
      this.#passed();
    }
  }

  async #come({ rows, passed }: LogNews): Promise<void> {
    if (passed) {
      // What was shown does not adjoin any more.
      this.rows = rows;
      this.#hasOlder = true;
      this.passing = true;
      // Nobody reads lines that pass. Each that is shown costs the page memory until its garbage is collected.
      await new Promise((wake) => setTimeout(wake, PASSING_EVERY));
    } else {
      this.#hasOlder ||= this.rows.length + rows.length > KEPT;
      if (rows.length > 0) this.rows = [...this.rows, ...rows].slice(-KEPT);
      this.#passed();
    }
  }

  /** The filter for what was written since a search that found nothing: what was before is not looked through again. */
  #lately(): LogFilter {
    const { since } = this.filter;
    return { ...this.filter, since: since !== null && since > this.#lookedAt ? since : this.#lookedAt };
  }

  #fail(thrown: unknown): void {
    this.error = IpcError.from(thrown);
    if (this.rows.length === 0 && this.error.code !== 'invalid_input') this.phase = 'failed';
  }
}

/** A filter with the name that somebody gave it. */
export interface SavedFilter {
  name: string;
  filter: LogFilter;
}

const KEY = 'skrynka.logFilters';

/** Filters that were given names; the window itself keeps them. */
class SavedFilters {
  all = $state.raw<readonly SavedFilter[]>(readSaved());

  /** Keeps a filter under its name, in the place of another one of that name. */
  save(name: string, filter: LogFilter): void {
    this.#keep([...this.all.filter((one) => one.name !== name), { name, filter }].slice(-MOST_SAVED));
  }

  remove(name: string): void {
    this.#keep(this.all.filter((one) => one.name !== name));
  }

  #keep(all: readonly SavedFilter[]): void {
    this.all = all;
    try {
      localStorage.setItem(KEY, JSON.stringify(all));
    } catch {
      // Without storage they live as long as the window.
    }
  }
}

function readSaved(): SavedFilter[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '[]') as unknown;
    if (!Array.isArray(kept)) return [];
    const named = kept.filter((one): one is SavedFilter => typeof one === 'object' && one !== null && typeof (one as SavedFilter).name === 'string' && typeof (one as SavedFilter).filter === 'object');
    return named.map(({ name, filter }) => ({ name, filter: { ...everything, ...filter } }));
  } catch {
    return [];
  }
}

export const savedFilters = new SavedFilters();

/** So many words are marked at once: each has a colour of its own. */
export const MOST_WORDS = 5;
const LOOK = 'skrynka.logLook';

/** How lines are shown, whatever the filter; the window itself keeps it. */
class LogLook {
  /** Whether lines of one kind that follow each other are shown as one. */
  together = $state(true);
  /** Words that are marked in every line. */
  words = $state.raw<readonly string[]>([]);

  constructor() {
    try {
      const kept = JSON.parse(localStorage.getItem(LOOK) ?? '{}') as { together?: unknown; words?: unknown };
      this.together = kept.together !== false;
      if (Array.isArray(kept.words)) this.words = kept.words.filter((word): word is string => typeof word === 'string' && word !== '').slice(0, MOST_WORDS);
    } catch {
      // What cannot be read is as nothing chosen.
    }
  }

  group(on: boolean): void {
    this.together = on;
    this.#keep();
  }

  mark(word: string): void {
    this.words = [...this.words.filter((other) => other !== word), word].slice(-MOST_WORDS);
    this.#keep();
  }

  unmark(word: string): void {
    this.words = this.words.filter((other) => other !== word);
    this.#keep();
  }

  #keep(): void {
    try {
      localStorage.setItem(LOOK, JSON.stringify({ together: this.together, words: this.words }));
    } catch {
      // Without storage it lives as long as the window.
    }
  }
}

export const logLook = new LogLook();
