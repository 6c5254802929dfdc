import { type EventView, type EventsWatched, IpcError, ipc } from '../ipc/client';

/** So many events are shown; Rust keeps as many. */
const KEPT = 300;

/** The events that are sent to the windows, as long as somebody watches. */
export class EventLog {
  /** Oldest first. */
  rows = $state.raw<readonly EventView[]>([]);
  who = $state.raw<Pick<EventsWatched, 'windows' | 'programs'> | null>(null);
  paused = $state(false);
  /** Events that came while the list stood still. */
  missed = $state(0);
  error = $state.raw<IpcError | null>(null);

  #kept: readonly EventView[] = [];
  #watcher: number | null = null;
  #closed = false;

  async open(): Promise<void> {
    try {
      const watcher = await ipc.watchEvents((watched) => this.#take(watched));
      if (this.#closed) await ipc.unwatchEvents(watcher);
      else this.#watcher = watcher;
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#watcher !== null) void ipc.unwatchEvents(this.#watcher).catch(() => undefined);
  }

  pause(on: boolean): void {
    this.paused = on;
    if (on) return;
    this.rows = this.#kept;
    this.missed = 0;
  }

  #take({ events, ...who }: EventsWatched): void {
    if (this.#closed) return;
    this.who = who;
    if (events.length === 0) return;
    this.#kept = [...this.#kept, ...events].slice(-KEPT);
    if (this.paused) this.missed += events.length;
    else this.rows = this.#kept;
  }
}
