import { type ConversationFilter, type ConversationKey, type ConversationPage, type ConversationRow, type FactsArrived, IpcError, ipc } from '../ipc/client';
import { type Entry, type ListFilter, type MergeOptions, entryOf, idOf, mergeRows, orderOf, settle } from './ordering';
import { reportPainted } from './painted.svelte';

const PAGE = 100;
/** More changed rows than this are cheaper to read again from the top. */
const BY_KEY = 200;
/** How deep a re-read follows somebody who scrolled down. */
const DEEPEST = 2000;
/** In a flood the list is drawn anew at most this often, in milliseconds; the first change waits for nothing. */
const BREATH = 32;
/** After a failed reading the next attempt waits this long at first, then longer, in milliseconds. */
const AGAIN_FIRST = 1000;
const AGAIN_MOST = 30_000;
/** How far down an unread row is looked for. */
const DEEP_PAGES = 20;
/** Grown longer than this while only its top is looked at, the list is read again and starts small. */
const LONGEST = 3000;

/** What the list's window shows of it, told by the view. */
export interface Window {
  first: number;
  last: number;
  /** The pointer or the keys are in the list: nothing in view may move. */
  held: boolean;
}

/** Where somebody was in the list: the first row in view and how much of it was scrolled out, in pixels. */
export interface Place {
  id: string;
  offset: number;
}

/** A filter as the program takes it. */
export const asked = ({ view, account, channel, unreadOnly }: ListFilter): ConversationFilter => ({ view, account, channel, unreadOnly });

/** The conversations of one filter: loaded from the top, kept true by facts. */
export class ConversationList {
  entries = $state.raw<readonly Entry[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<IpcError | null>(null);
  /** Rows that came in above what is looked at and have not been seen yet. */
  unseen = $state.raw<ReadonlySet<string>>(new Set());
  more = $state(false);

  filter: ListFilter = { view: 'all', account: null, channel: null, unreadOnly: false, me: null };
  #kept: string | null = null;
  window: Window = { first: 0, last: 0, held: false };
  /** Where the view was, for when it is drawn again; null at the top. */
  place: Place | null = null;

  #next: string | null = null;
  /** The last row that was read, while there are more. */
  #edge: Entry | null = null;
  #epoch = 0;
  /** Raised whenever `#next` belongs to other rows than before: a page asked for earlier does not fit any more. */
  #generation = 0;
  #loadingMore: { generation: number; done: Promise<void> } | null = null;
  #reading = false;
  #changed = new Map<string, ConversationKey>();
  #reread = false;
  #busy = false;
  #againIn = AGAIN_FIRST;
  #againTimer: ReturnType<typeof setTimeout> | undefined;

  /** The open conversation, which stays in the list whatever becomes of it. */
  get kept(): string | null {
    return this.#kept;
  }

  set kept(id: string | null) {
    this.#kept = id;
    if (!this.window.held && this.entries.some((entry) => entry.leaving && entry.id !== id)) this.settle();
  }

  /** Shows another filter, from the top. */
  async open(filter: ListFilter): Promise<void> {
    this.filter = filter;
    this.entries = [];
    this.unseen = new Set();
    this.window = { first: 0, last: 0, held: false };
    this.place = null;
    this.more = false;
    this.error = null;
    this.#next = null;
    this.#edge = null;
    this.#generation += 1;
    this.#reread = false;
    this.#changed.clear();
    await this.reload();
  }

  /** Reads the first page again. What facts name meanwhile is read after it. */
  async reload(): Promise<void> {
    const epoch = ++this.#epoch;
    clearTimeout(this.#againTimer);
    this.phase = this.entries.length === 0 ? 'loading' : this.phase;
    this.#reading = true;
    try {
      const page = await this.#page(null);
      if (epoch !== this.#epoch) return;
      this.#replace(page.rows.map(entryOf), page.next);
      this.phase = 'ready';
      this.#recovered();
    } catch (thrown) {
      if (epoch !== this.#epoch) return;
      this.phase = this.entries.length === 0 ? 'failed' : this.phase;
      this.#failed(thrown);
    } finally {
      if (epoch === this.#epoch) {
        this.#reading = false;
        void this.#catchUp();
      }
    }
  }

  /** Reads again what could not be read. */
  async retry(): Promise<void> {
    clearTimeout(this.#againTimer);
    if (this.phase !== 'ready') await this.reload();
    else if (this.#reread || this.#changed.size > 0) await this.#catchUp();
    else await this.loadMore();
  }

  /** Reads the next page; called when its rows come near. */
  async loadMore(): Promise<void> {
    const generation = this.#generation;
    if (this.#next === null) return;
    if (this.#loadingMore?.generation !== generation) this.#loadingMore = { generation, done: this.#readPage(generation, this.#next) };
    await this.#loadingMore.done;
  }

  async #readPage(generation: number, after: string): Promise<void> {
    try {
      const page = await this.#page(after);
      if (generation !== this.#generation) return;
      this.#append(page);
      this.#recovered();
    } catch (thrown) {
      if (generation === this.#generation) this.error = IpcError.from(thrown);
    } finally {
      if (this.#loadingMore?.generation === generation) this.#loadingMore = null;
    }
  }

  /** Reads pages until a row is loaded, a limited number of them; answers with its index, or -1. */
  async reach(id: string): Promise<number> {
    for (let pages = 0; pages < DEEP_PAGES && this.indexOf(id) < 0 && this.more && this.error === null; pages++) await this.loadMore();
    return this.indexOf(id);
  }

  /** Takes up facts; what they name is re-read and takes its place without anything in view moving. */
  apply(facts: FactsArrived): void {
    if (facts.merged.length > 0) this.#forget(facts.merged);
    if (facts.overflowed) this.#reread = true;
    for (const key of facts.conversations) this.#changed.set(idOf(key), key);
    if (this.#changed.size > BY_KEY) this.#reread = true;
    void this.#catchUp();
  }

  /** Shows rows as they will be once the program has done what it was asked; facts bring the truth. */
  assume(rows: readonly ConversationRow[]): void {
    this.entries = mergeRows(this.entries, rows.filter((row) => this.indexOf(idOf(row.key)) >= 0), this.#options());
    this.#fill();
  }

  /** Reads rows again that were assumed to be otherwise than they are. */
  recheck(keys: readonly ConversationKey[]): void {
    for (const key of keys) this.#changed.set(idOf(key), key);
    void this.#catchUp();
  }

  /** Lets every row take its true place. */
  settle(): void {
    this.entries = settle(this.entries, this.kept, this.filter.view);
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
    this.#fill();
  }

  /** Reads on where what is loaded comes to its end: rows come near, or many have left. */
  #fill(): void {
    if (this.more && this.window.last > this.entries.length - PAGE / 2) void this.loadMore();
  }

  indexOf(id: string | null): number {
    return id === null ? -1 : this.entries.findIndex((entry) => entry.id === id);
  }

  /** Reads what facts named, until nothing is left. A first page that is under way or missing goes first. */
  async #catchUp(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (!this.#reading && this.phase === 'ready' && (this.#reread || this.#changed.size > 0)) {
        await this.#round();
        await new Promise((resolve) => setTimeout(resolve, BREATH));
      }
    } catch (thrown) {
      this.#failed(thrown);
    } finally {
      this.#busy = false;
    }
  }

  /** Reads the bundle that is waiting; it waits on when it could not be read. */
  async #round(): Promise<void> {
    const epoch = this.#epoch;
    const keys = [...this.#changed];
    const reread = this.#reread;
    this.#changed.clear();
    this.#reread = false;
    try {
      if (reread) await this.#readAgain();
      else await this.#readKeys(keys.map(([, key]) => key));
      if (epoch === this.#epoch) this.#recovered();
    } catch (thrown) {
      // Another first page has taken the place of what this bundle was for.
      if (epoch !== this.#epoch) return;
      this.#reread ||= reread;
      for (const [id, key] of keys) this.#changed.set(id, key);
      throw thrown;
    }
  }

  #recovered(): void {
    this.error = null;
    this.#againIn = AGAIN_FIRST;
    clearTimeout(this.#againTimer);
  }

  #failed(thrown: unknown): void {
    this.error = IpcError.from(thrown);
    clearTimeout(this.#againTimer);
    this.#againTimer = setTimeout(() => void this.retry(), this.#againIn);
    this.#againIn = Math.min(AGAIN_MOST, this.#againIn * 2);
  }

  async #readKeys(keys: ConversationKey[]): Promise<void> {
    const epoch = this.#epoch;
    const rows = await ipc.conversationsByKey(keys);
    if (epoch !== this.#epoch) return;
    const before = this.entries;
    this.entries = mergeRows(before, rows, this.#options());
    this.#noteAbove(before, rows.map((row) => idOf(row.key)));
    reportPainted(keys, this.#visible);
    if (this.entries.length > LONGEST && this.window.last < PAGE) this.#reread = true;
    this.#fill();
  }

  /** After an overflow: reads as deep as somebody looks, then takes it all over at once. */
  async #readAgain(): Promise<void> {
    const epoch = this.#epoch;
    const wanted = Math.min(this.window.last + PAGE / 2, DEEPEST);
    const rows: Entry[] = [];
    let next: string | null = null;
    do {
      const page: ConversationPage = await this.#page(next);
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
    merged.sort(orderOf(this.filter.view));
    this.entries = merged;
    this.#generation += 1;
    this.#reached(fresh, next);
  }

  #page(after: string | null): Promise<ConversationPage> {
    return ipc.conversations(asked(this.filter), after, PAGE);
  }

  /** Notes how far the rows have been read. */
  #reached(read: readonly Entry[], next: string | null): void {
    this.#next = next;
    this.#edge = next === null ? null : (read.at(-1) ?? null);
    this.more = next !== null;
  }

  #append(page: ConversationPage): void {
    const present = new Set(this.entries.map((entry) => entry.id));
    const read = page.rows.map(entryOf);
    this.entries = [...this.entries, ...read.filter((entry) => !present.has(entry.id))];
    this.#reached(read, page.next);
  }

  #forget(keys: readonly ConversationKey[]): void {
    const gone = new Set(keys.map(idOf));
    this.entries = this.entries.filter((entry) => !gone.has(entry.id));
  }

  #options(): MergeOptions {
    return { filter: this.filter, pinned: this.#pinned(), kept: this.kept, edge: this.#edge };
  }

  #pinned(): Set<string> {
    const { first, last, held } = this.window;
    return new Set(held ? this.entries.slice(first, last + 1).map((entry) => entry.id) : []);
  }

  /** Counts rows that were new or moved up above what is looked at. */
  #noteAbove(before: readonly Entry[], ids: readonly string[]): void {
    const { first, last, held } = this.window;
    if (first === 0 && !held) return;
    const old = new Map(before.map((entry) => [entry.id, entry.order]));
    const looked = new Set(before.slice(first, last + 1).map((entry) => entry.id));
    const place = this.entries.findIndex((entry) => looked.has(entry.id) && old.get(entry.id) === entry.order);
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
