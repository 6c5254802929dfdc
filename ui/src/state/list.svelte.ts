import { type ConversationFilter, type ConversationKey, type ConversationPage, type FactsArrived, IpcError, ipc } from '../ipc/client';
import { type Entry, entryOf, idOf, mergeRows, settle } from './ordering';
import { reportPainted } from './painted.svelte';

const PAGE = 100;
/** More changed rows than this are cheaper to read again from the top. */
const BY_KEY = 200;
/** How deep a re-read follows somebody who scrolled down. */
const DEEPEST = 2000;
/** In a flood the list is drawn anew at most this often, in milliseconds; the first change waits for nothing. */
const BREATH = 32;
/** Grown longer than this while only its top is looked at, the list is read again and starts small. */
const LONGEST = 3000;

/** What the list's window shows of it, told by the view. */
export interface Window {
  first: number;
  last: number;
  /** The pointer or the keys are in the list: nothing in view may move. */
  held: boolean;
}

/** The conversations of one filter: loaded from the top, kept true by facts. */
export class ConversationList {
  entries = $state.raw<readonly Entry[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<IpcError | null>(null);
  /** Rows that came in above what is looked at and have not been seen yet. */
  unseen = $state.raw<ReadonlySet<string>>(new Set());
  more = $state(false);

  filter: ConversationFilter = { account: null, unreadOnly: false, waitingOnly: false };
  /** The open conversation, which stays in the list whatever becomes of it. */
  kept: string | null = null;
  window: Window = { first: 0, last: 0, held: false };

  #next: string | null = null;
  #epoch = 0;
  #loadingMore = false;
  #changed = new Map<string, ConversationKey>();
  #reread = false;
  #busy = false;

  /** Shows another filter, from the top. */
  async open(filter: ConversationFilter): Promise<void> {
    this.filter = filter;
    this.entries = [];
    this.unseen = new Set();
    this.window = { first: 0, last: 0, held: false };
    this.#changed.clear();
    await this.reload();
  }

  /** Reads the first page again. */
  async reload(): Promise<void> {
    const epoch = ++this.#epoch;
    this.phase = this.entries.length === 0 ? 'loading' : this.phase;
    try {
      const page = await ipc.conversations(this.filter, null, PAGE);
      if (epoch !== this.#epoch) return;
      this.#replace(page.rows.map(entryOf), page.next);
      this.phase = 'ready';
      this.error = null;
    } catch (thrown) {
      if (epoch !== this.#epoch) return;
      this.error = IpcError.from(thrown);
      this.phase = 'failed';
    }
  }

  /** Reads the next page; called when its rows come near. */
  async loadMore(): Promise<void> {
    if (this.#loadingMore || this.#next === null) return;
    this.#loadingMore = true;
    const epoch = this.#epoch;
    try {
      const page = await ipc.conversations(this.filter, this.#next, PAGE);
      if (epoch === this.#epoch) this.#append(page);
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    } finally {
      this.#loadingMore = false;
    }
  }

  /** Takes up facts; what they name is re-read and takes its place without anything in view moving. */
  apply(facts: FactsArrived): void {
    if (facts.merged.length > 0) this.#forget(facts.merged);
    if (facts.overflowed) this.#reread = true;
    for (const key of facts.conversations) this.#changed.set(idOf(key), key);
    if (this.#changed.size > BY_KEY) this.#reread = true;
    void this.#catchUp();
  }

  /** Lets every row take its true place. */
  settle(): void {
    this.entries = settle(this.entries, this.kept);
  }

  /** Tells which rows are in view; what came in above them is no longer unseen once it is. */
  look(window: Window): void {
    const released = this.window.held && !window.held;
    this.window = window;
    if (released) this.settle();
    if (this.unseen.size > 0) {
      const seen = this.entries.slice(window.first, window.last + 1).filter((entry) => this.unseen.has(entry.id));
      if (seen.length > 0 || window.first === 0) this.#sawn(window.first === 0 ? null : seen);
    }
    if (this.more && window.last > this.entries.length - PAGE / 2) void this.loadMore();
  }

  indexOf(id: string | null): number {
    return id === null ? -1 : this.entries.findIndex((entry) => entry.id === id);
  }

  async #catchUp(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#reread || this.#changed.size > 0) {
        const keys = [...this.#changed.values()];
        this.#changed.clear();
        if (this.#reread) {
          this.#reread = false;
          await this.#readAgain();
        } else {
          await this.#readKeys(keys);
        }
        await new Promise((resolve) => setTimeout(resolve, BREATH));
      }
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    } finally {
      this.#busy = false;
    }
  }

  async #readKeys(keys: ConversationKey[]): Promise<void> {
    const epoch = this.#epoch;
    const rows = await ipc.conversationsByKey(keys);
    if (epoch !== this.#epoch) return;
    const before = this.entries;
    this.entries = mergeRows(before, rows, { filter: this.filter, pinned: this.#pinned(), kept: this.kept, more: this.more });
    this.#noteAbove(before, rows.map((row) => idOf(row.key)));
    reportPainted(keys, this.#visible);
    if (this.entries.length > LONGEST && this.window.last < PAGE) this.#reread = true;
  }

  /** After an overflow: reads as deep as somebody looks, then takes it all over at once. */
  async #readAgain(): Promise<void> {
    const epoch = this.#epoch;
    const wanted = Math.min(this.window.last + PAGE / 2, DEEPEST);
    const rows: Entry[] = [];
    let next: string | null = null;
    do {
      const page: ConversationPage = await ipc.conversations(this.filter, next, PAGE);
      if (epoch !== this.#epoch) return;
      rows.push(...page.rows.map(entryOf));
      next = page.next;
    } while (next !== null && rows.length < wanted);
    const before = this.entries;
    this.#replace(rows, next);
    this.#noteAbove(before, rows.map((entry) => entry.id));
    reportPainted(rows.slice(0, PAGE).map((entry) => entry.row.key), this.#visible);
  }

  /** Puts fresh rows in the place of what is loaded; pinned rows keep their order, the open one stays. */
  #replace(fresh: Entry[], next: string | null): void {
    const pinned = this.#pinned();
    const known = new Map(this.entries.map((entry) => [entry.id, entry]));
    const merged = fresh.map((entry) => (pinned.has(entry.id) ? { ...entry, order: known.get(entry.id)?.order ?? entry.order } : entry));
    const present = new Set(merged.map((entry) => entry.id));
    for (const id of this.kept === null ? pinned : [...pinned, this.kept]) {
      const entry = known.get(id);
      if (entry && !present.has(id)) {
        present.add(id);
        merged.push({ ...entry, leaving: true });
      }
    }
    merged.sort((a, b) => b.order - a.order || (a.id < b.id ? 1 : -1));
    this.entries = merged;
    this.#next = next;
    this.more = next !== null;
  }

  #append(page: ConversationPage): void {
    const present = new Set(this.entries.map((entry) => entry.id));
    this.entries = [...this.entries, ...page.rows.map(entryOf).filter((entry) => !present.has(entry.id))];
    this.#next = page.next;
    this.more = page.next !== null;
  }

  #forget(keys: readonly ConversationKey[]): void {
    const gone = new Set(keys.map(idOf));
    this.entries = this.entries.filter((entry) => !gone.has(entry.id));
  }

  #pinned(): Set<string> {
    const { first, last, held } = this.window;
    return new Set(held ? this.entries.slice(first, last + 1).map((entry) => entry.id) : []);
  }

  /** Counts rows that were new or moved up above what is looked at. */
  #noteAbove(before: readonly Entry[], ids: readonly string[]): void {
    const { first, held } = this.window;
    const anchor = before[first]?.id;
    if (anchor === undefined || (first === 0 && !held)) return;
    const place = this.indexOf(anchor);
    const old = new Map(before.map((entry) => [entry.id, entry.order]));
    const touched = new Set(ids);
    const above = this.entries.slice(0, Math.max(0, place)).filter((entry) => touched.has(entry.id) && old.get(entry.id) !== entry.order);
    if (above.length > 0) this.unseen = new Set([...this.unseen, ...above.map((entry) => entry.id)]);
  }

  /** Forgets that these rows, or all, were unseen. */
  #sawn(seen: readonly Entry[] | null): void {
    const gone = new Set(seen?.map((entry) => entry.id));
    this.unseen = seen === null ? new Set() : new Set([...this.unseen].filter((id) => !gone.has(id)));
  }

  #visible = (id: string): boolean => {
    const { first, last } = this.window;
    return this.entries.slice(first, last + 1).some((entry) => entry.id === id);
  };
}
