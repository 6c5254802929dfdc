import { type ConversationKey, type ConversationRow, type FactsArrived, IpcError, type SearchHit, ipc } from '../ipc/client';
import { idOf } from './ordering';

const PAGE = 50;
/** A pause in typing after which the search is asked, in milliseconds. */
const PAUSE = 120;
/** Changed rows are read again at most this often, in milliseconds. */
const BREATH = 100;

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
  #loadingMore = false;
  #changed = new Map<string, ConversationKey>();
  #merged = new Map<string, ConversationKey>();
  #busy = false;

  get active(): boolean {
    return this.text.trim() !== '';
  }

  /** Takes what was typed; the search follows after a short pause. */
  type(text: string, account: string | null): void {
    this.text = text;
    this.#account = account;
    clearTimeout(this.#timer);
    this.#epoch += 1;
    this.error = null;
    if (!this.active) {
      this.hits = [];
      this.more = false;
      this.pending = 0;
      this.#changed.clear();
      this.#merged.clear();
      this.phase = 'idle';
      return;
    }
    this.phase = 'searching';
    this.#timer = setTimeout(() => void this.#first(), PAUSE);
  }

  clear(): void {
    this.type('', null);
  }

  /** Searches without waiting for a pause in typing; settled once the hits are there. */
  async now(): Promise<void> {
    if (!this.active || this.phase === 'ready') return;
    clearTimeout(this.#timer);
    await this.#first();
  }

  async loadMore(): Promise<void> {
    if (this.phase !== 'ready' || this.#next === null || this.#loadingMore) return;
    const epoch = this.#epoch;
    this.#loadingMore = true;
    try {
      const page = await ipc.search(this.text.trim(), this.#account, this.#next, PAGE);
      if (epoch !== this.#epoch) return;
      this.hits = [...this.hits, ...page.hits];
      this.#next = page.next;
      this.more = page.next !== null;
      this.error = null;
    } catch (thrown) {
      if (epoch === this.#epoch) this.error = IpcError.from(thrown);
    } finally {
      this.#loadingMore = false;
    }
  }

  /** Reads again what could not be read. */
  async retry(): Promise<void> {
    if (this.phase === 'ready') await this.loadMore();
    else await this.#first();
  }

  /** Keeps the rows of the hits true; which messages were found stays as it was. */
  apply(facts: FactsArrived): void {
    if (this.hits.length === 0) return;
    const shown = new Map(this.hits.map((hit) => [idOf(hit.conversation.key), hit.conversation.key]));
    for (const key of facts.overflowed ? shown.values() : facts.conversations) if (shown.has(idOf(key))) this.#changed.set(idOf(key), key);
    for (const key of facts.merged) if (shown.has(idOf(key))) this.#merged.set(idOf(key), key);
    void this.#catchUp();
  }

  async #first(): Promise<void> {
    const epoch = ++this.#epoch;
    this.phase = 'searching';
    try {
      const page = await ipc.search(this.text.trim(), this.#account, null, PAGE);
      if (epoch !== this.#epoch) return;
      this.hits = page.hits;
      this.#next = page.next;
      this.more = page.next !== null;
      this.pending = page.pending;
      this.error = null;
      this.phase = 'ready';
    } catch (thrown) {
      if (epoch !== this.#epoch) return;
      this.error = IpcError.from(thrown);
      this.phase = 'failed';
    }
  }

  async #catchUp(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#changed.size + this.#merged.size > 0) {
        const keys = [...this.#changed.values()];
        const merged = [...this.#merged.values()];
        this.#changed.clear();
        this.#merged.clear();
        const rows = new Map<string, ConversationRow>();
        for (const row of keys.length === 0 ? [] : await ipc.conversationsByKey(keys)) rows.set(idOf(row.key), row);
        // A merged conversation is answered by the one it became, so each is asked for alone.
        const gone = new Set<string>();
        for (const key of merged) {
          const [row] = await ipc.conversationsByKey([key]);
          if (row) rows.set(idOf(key), row);
          else gone.add(idOf(key));
        }
        this.hits = this.hits.filter((hit) => !gone.has(idOf(hit.conversation.key))).map((hit) => {
          const row = rows.get(idOf(hit.conversation.key));
          return row ? { ...hit, conversation: row } : hit;
        });
        await new Promise((resolve) => setTimeout(resolve, BREATH));
      }
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    } finally {
      this.#busy = false;
    }
  }
}
