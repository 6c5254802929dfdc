import { IpcError, type SearchHit, ipc } from '../ipc/client';

const PAGE = 50;
/** A pause in typing after which the search is asked, in milliseconds. */
const PAUSE = 120;

/** The search over subject, sender, body and file names. */
export class Search {
  text = $state('');
  hits = $state.raw<readonly SearchHit[]>([]);
  phase = $state<'idle' | 'searching' | 'ready' | 'failed'>('idle');
  error = $state.raw<IpcError | null>(null);
  pending = $state(0);
  more = $state(false);

  #account: string | null = null;
  #next: string | null = null;
  #epoch = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  get active(): boolean {
    return this.text.trim() !== '';
  }

  /** Takes what was typed; the search follows after a short pause. */
  type(text: string, account: string | null): void {
    this.text = text;
    this.#account = account;
    clearTimeout(this.#timer);
    this.#epoch += 1;
    if (!this.active) {
      this.hits = [];
      this.phase = 'idle';
      return;
    }
    this.phase = 'searching';
    this.#timer = setTimeout(() => void this.#page(null), PAUSE);
  }

  clear(): void {
    this.type('', null);
  }

  async loadMore(): Promise<void> {
    if (this.phase === 'ready' && this.#next !== null) await this.#page(this.#next);
  }

  async #page(after: string | null): Promise<void> {
    const epoch = ++this.#epoch;
    try {
      const page = await ipc.search(this.text.trim(), this.#account, after, PAGE);
      if (epoch !== this.#epoch) return;
      this.hits = after === null ? page.hits : [...this.hits, ...page.hits];
      this.#next = page.next;
      this.more = page.next !== null;
      this.pending = page.pending;
      this.phase = 'ready';
    } catch (thrown) {
      if (epoch !== this.#epoch) return;
      this.error = IpcError.from(thrown);
      this.phase = 'failed';
    }
  }
}
