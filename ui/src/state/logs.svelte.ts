import { IpcError, type LogFilter, type LogRow, type LogStats, ipc } from '../ipc/client';

const PAGE = 300;
/** So many rows are kept; those farthest from what is looked at are dropped. */
const KEPT = 3000;
/** How often the figures of what is kept are read while lines come, in milliseconds. */
const STATS_EVERY = 5000;

/** A window of the log: follows its end, or stands still while somebody reads. */
export class LogView {
  rows = $state.raw<readonly LogRow[]>([]);
  following = $state(true);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<IpcError | null>(null);
  stats = $state.raw<LogStats | null>(null);
  /** Lines written since following was paused, whatever the filter. */
  missed = $state(0);
  filter = $state.raw<LogFilter>({ level: 'info', areas: [], account: null, text: '' });

  #hasOlder = false;
  /** Rows at the end were dropped to make room for older ones. */
  #endCut = false;
  #epoch = 0;
  #busy = false;
  #again = false;
  #written: number | null = null;
  #pausedAt: number | null = null;
  #follower: number | null = null;
  #closed = false;
  #statsAt = 0;

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
    if (this.#follower !== null) void ipc.unfollowLogs(this.#follower).catch(() => undefined);
  }

  async choose(change: Partial<LogFilter>): Promise<void> {
    this.filter = { ...this.filter, ...change };
    await this.newest();
  }

  /** The end of the log. */
  async newest(): Promise<void> {
    const epoch = ++this.#epoch;
    try {
      const page = await ipc.logPage(this.filter, { from: 'newest' }, PAGE);
      if (epoch !== this.#epoch) return;
      this.rows = page.rows;
      this.#hasOlder = page.hasOlder;
      this.#endCut = false;
      this.phase = 'ready';
      this.error = null;
    } catch (thrown) {
      if (epoch === this.#epoch) this.#fail(thrown);
    }
  }

  /** Goes along with the end, or stands still and counts what comes. */
  async follow(on: boolean): Promise<void> {
    if (on === this.following) return;
    this.following = on;
    this.#pausedAt = on ? null : this.#written;
    this.missed = 0;
    if (on) await this.newest();
  }

  /** Puts older rows before what is shown. */
  async older(): Promise<void> {
    const first = this.rows[0];
    if (!first || !this.#hasOlder || this.#busy) return;
    this.#busy = true;
    const epoch = this.#epoch;
    try {
      const page = await ipc.logPage(this.filter, { from: 'before', cursor: first.cursor }, PAGE);
      if (epoch !== this.#epoch) return;
      const rows = [...page.rows, ...this.rows];
      this.#endCut ||= rows.length > KEPT;
      this.rows = rows.slice(0, KEPT);
      this.#hasOlder = page.hasOlder;
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
      const page = await ipc.logPage(this.filter, { from: 'after', cursor: last.cursor }, PAGE);
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
    this.stats = await ipc.logStats().catch(() => this.stats);
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

  /** Reads what follows the last row; far behind, the end itself. */
  async #newer(): Promise<void> {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    const epoch = this.#epoch;
    try {
      do {
        this.#again = false;
        const last = this.rows.at(-1);
        const page = await ipc.logPage(this.filter, last ? { from: 'after', cursor: last.cursor } : { from: 'newest' }, PAGE);
        if (epoch !== this.#epoch || !this.following) return;
        if (page.hasNewer) await this.newest();
        else if (page.rows.length > 0) this.rows = [...this.rows, ...page.rows].slice(-KEPT);
      } while (this.#again);
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#busy = false;
    }
  }

  #fail(thrown: unknown): void {
    this.error = IpcError.from(thrown);
    if (this.rows.length === 0) this.phase = 'failed';
  }
}
