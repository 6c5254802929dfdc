import { type ConversationKey, type FactsArrived, IpcError, type MessagePage, type MessageView, type OutgoingView, ipc } from '../ipc/client';
import { idOf } from './ordering';

const FIRST = 30;
const OLDER = 50;
/** A mail that is looked for is looked for in pages of this length, and in so many of them. */
const SEEK = 200;
const SEEK_PAGES = 50;
/** A chat's message that is looked for is shown with so many before it and after it. */
const AROUND = 50;
/** So many of the loaded messages are read again when something changed. */
const REREAD = 200;
/** With more messages loaded than this, those far above are let go once the newest are looked at. */
const MOST = 600;
/** After a failed reading the next attempt waits this long at first, then longer, in milliseconds. */
const AGAIN_FIRST = 1000;
const AGAIN_MOST = 30_000;

/** A text that is being handed over, and what the conversation showed before. */
interface Expected {
  text: OutgoingView;
  known: ReadonlySet<string>;
}

const EXPECTED = 'expected ';
let expectedSoFar = 0;
/** A key for a text that is being handed over and has none of its own yet. */
export const expectedId = (): string => `${EXPECTED}${++expectedSoFar}`;
export const isExpected = ({ id }: OutgoingView): boolean => id.startsWith(EXPECTED);

/** The open conversation: its newest messages, older ones on demand, new ones as they come. */
export class Talk {
  key = $state.raw<ConversationKey | null>(null);
  messages = $state.raw<readonly MessageView[]>([]);
  /** Texts of ours that are not among the messages yet. */
  outgoing = $state.raw<readonly OutgoingView[]>([]);
  /** Texts that are being handed over this moment. */
  #expected = $state.raw<readonly Expected[]>([]);
  phase = $state<'none' | 'loading' | 'ready' | 'failed'>('none');
  error = $state.raw<IpcError | null>(null);
  older = $state<string | null>(null);
  loadingOlder = $state(false);
  /** What is loaded ends before the newest: a message far above was gone to. */
  newer = $state(false);
  /** An older message is being looked for. */
  seeking = $state(false);
  /** The first message that was unread when the conversation was opened: the line stays where it was. */
  unreadFrom = $state<string | null>(null);
  unreadCount = $state(0);
  /** How often a conversation was opened: tells one reading from the next. */
  opened = $state(0);

  #epoch = 0;
  #rereading = false;
  /** Facts named the conversation while it was being read. */
  #again = false;
  /** Messages may have come in anywhere: what is read next takes the place of all that is loaded. */
  #whole = false;
  /** Loaded messages that facts named; null where they named too many, and all that is loaded is read again. */
  #named: Set<string> | null = new Set();
  #againIn = AGAIN_FIRST;
  #againTimer: ReturnType<typeof setTimeout> | undefined;

  /** Opens a conversation; a message that is looked for in it is loaded too. */
  async open(key: ConversationKey, target?: string): Promise<void> {
    const epoch = ++this.#epoch;
    clearTimeout(this.#againTimer);
    this.#again = false;
    this.#whole = false;
    this.#named = new Set();
    this.#againIn = AGAIN_FIRST;
    this.opened += 1;
    this.key = key;
    this.messages = [];
    this.outgoing = [];
    this.#expected = [];
    this.older = null;
    this.newer = false;
    this.loadingOlder = false;
    this.seeking = target !== undefined;
    this.unreadFrom = null;
    this.unreadCount = 0;
    this.error = null;
    this.phase = 'loading';
    try {
      let page = await ipc.messages(key, null, FIRST);
      // Reading begins where the unread begins, also where more came than a page holds.
      while (epoch === this.#epoch && page.older !== null && page.rows[0]?.chat && !page.rows[0].seen && page.rows.length < MOST) {
        const before = await ipc.messages(key, page.older, SEEK);
        page = { ...page, rows: [...before.rows, ...page.rows], older: before.older };
      }
      if (epoch !== this.#epoch) return;
      this.messages = page.rows;
      this.outgoing = page.outgoing;
      this.older = page.older;
      const unread = page.rows.filter((message) => !message.seen && !message.ours);
      this.unreadFrom = unread[0]?.key.id ?? null;
      this.unreadCount = unread.length;
      this.phase = 'ready';
      if (target !== undefined) void this.seek(target);
      if (this.#again) void this.#reread();
    } catch (thrown) {
      if (epoch !== this.#epoch) return;
      this.seeking = false;
      this.error = IpcError.from(thrown);
      this.phase = 'failed';
    }
  }

  close(): void {
    this.#epoch += 1;
    clearTimeout(this.#againTimer);
    this.#again = false;
    this.key = null;
    this.messages = [];
    this.outgoing = [];
    this.#expected = [];
    this.error = null;
    this.phase = 'none';
  }

  /** Goes on under the key of the conversation that this one became part of; what is shown stays. */
  move(key: ConversationKey): void {
    if (this.key === null) return;
    this.#epoch += 1;
    this.key = key;
    this.loadingOlder = false;
    this.seeking = false;
    if (this.phase === 'ready') void this.#reread(true);
    else void this.open(key);
  }

  /** Puts a page of older messages before what is shown. */
  async loadOlder(count = OLDER): Promise<void> {
    if (this.loadingOlder || this.older === null || this.key === null) return;
    const epoch = this.#epoch;
    this.loadingOlder = true;
    const before = this.older;
    try {
      const page = await ipc.messages(this.key, before, count);
      if (epoch !== this.#epoch) return;
      const present = new Set(this.messages.map((message) => message.key.id));
      this.messages = [...page.rows.filter((message) => !present.has(message.key.id)), ...this.messages];
      this.older = page.older;
      this.error = null;
    } catch (thrown) {
      if (epoch === this.#epoch) this.error = IpcError.from(thrown);
    } finally {
      if (epoch === this.#epoch) this.loadingOlder = false;
    }
  }

  /** Looks for what was stored before the beginning, when older messages came from the server. */
  async extend(): Promise<void> {
    const [first] = this.messages;
    if (this.key === null || !first || this.phase !== 'ready' || this.older !== null || this.loadingOlder) return;
    const epoch = this.#epoch;
    this.loadingOlder = true;
    try {
      const page = await ipc.messagesAround(this.key, first.key.id, REREAD, 0);
      if (epoch !== this.#epoch) return;
      this.messages = [...this.#unknown(page.rows), ...this.messages];
      this.older = page.older;
    } catch (thrown) {
      if (epoch === this.#epoch) this.error = IpcError.from(thrown);
    } finally {
      if (epoch === this.#epoch) this.loadingOlder = false;
    }
  }

  /** Puts a page of newer messages after what is shown, where that ends before the newest. */
  async loadNewer(): Promise<void> {
    const last = this.messages.at(-1);
    if (this.key === null || !last || this.loadingOlder || !this.newer) return;
    const epoch = this.#epoch;
    this.loadingOlder = true;
    try {
      const page = await ipc.messagesAround(this.key, last.chat?.album.at(-1) ?? last.key.id, 0, AROUND);
      if (epoch !== this.#epoch) return;
      this.messages = [...this.messages, ...this.#unknown(page.rows)];
      this.newer = page.newer;
      this.outgoing = page.outgoing;
      this.error = null;
    } catch (thrown) {
      if (epoch === this.#epoch) this.error = IpcError.from(thrown);
    } finally {
      if (epoch === this.#epoch) this.loadingOlder = false;
    }
  }

  #unknown(rows: readonly MessageView[]): MessageView[] {
    const known = new Set(this.messages.map((message) => message.key.id));
    return rows.filter((message) => !known.has(message.key.id));
  }

  /** Reads loaded messages again, wherever they stand; others are left alone. */
  async refresh(ids: readonly string[]): Promise<void> {
    const epoch = this.#epoch;
    const { key } = this;
    const wanted = new Set(ids);
    const stale = this.messages.filter((message) => [message.key.id, ...(message.chat?.album ?? [])].some((id) => wanted.has(id)));
    for (let from = 0; key !== null && from < stale.length; from += REREAD) {
      const asked = stale.slice(from, from + REREAD);
      const found = await ipc.messagesByKey(asked.map((message) => message.key));
      if (epoch !== this.#epoch) return;
      this.#replace(found);
      // What stood for an unreadable message is no message any more once that could be read, nor what was removed.
      const there = new Set(found.map((message) => message.key.id));
      const gone = new Set(asked.filter((message) => (message.chat === null || message.unreadable !== null) && !there.has(message.key.id)).map((message) => message.key.id));
      if (gone.size > 0) this.messages = this.messages.filter((message) => !gone.has(message.key.id));
    }
  }

  #replace(rows: readonly MessageView[]): void {
    const fresh = new Map(rows.map((message) => [message.key.id, message]));
    this.messages = this.messages.map((message) => fresh.get(message.key.id) ?? message);
  }

  /** Texts of ours that are not among the messages yet, with those that are being handed over. */
  get leaving(): readonly OutgoingView[] {
    const stored = [...this.outgoing.map(({ id, text }) => ({ id, text })), ...this.messages.filter((message) => message.ours).map((message) => ({ id: message.key.id, text: message.text }))];
    // Each stands for one that was expected: somebody may say the same twice.
    const taken = new Set<string>();
    const still = this.#expected.filter(({ text, known }) => {
      const found = stored.find((one) => one.text === text.text && !known.has(one.id) && !taken.has(one.id));
      if (found) taken.add(found.id);
      return !found;
    });
    return still.length === 0 ? this.outgoing : [...this.outgoing, ...still.map(({ text }) => text)];
  }

  /** Shows texts from the moment in which they are sent off. Call what it returns once they are stored or were refused. */
  expect(texts: readonly OutgoingView[]): () => void {
    const known = new Set([...this.messages.map((message) => message.key.id), ...this.outgoing.map(({ id }) => id)]);
    const added = texts.map((text): Expected => ({ text, known }));
    this.#expected = [...this.#expected, ...added];
    return () => {
      this.#expected = this.#expected.filter((one) => !added.includes(one));
    };
  }

  /** Shows a text that was just put on its way; the next reading says what becomes of it. */
  echo(text: OutgoingView): void {
    if (!this.outgoing.some((other) => other.id === text.id)) this.outgoing = [...this.outgoing, text];
  }

  /** Loads what a message stands among, in a thread of mails all down to it, a limited number; says whether it is there. */
  async seek(id: string): Promise<boolean> {
    const epoch = this.#epoch;
    const has = () => this.messages.some((message) => message.key.id === id || message.chat?.album.includes(id));
    this.seeking = true;
    if (this.key !== null && !has() && this.messages[0]?.chat) {
      try {
        const page = await ipc.messagesAround(this.key, id, AROUND, AROUND);
        if (epoch !== this.#epoch) return false;
        this.#moveTo(page, id);
      } catch (thrown) {
        if (epoch !== this.#epoch) return false;
        this.error = IpcError.from(thrown);
      }
      this.seeking = false;
      return has();
    }
    for (let pages = 0; pages < SEEK_PAGES && !has() && this.older !== null; pages++) {
      await this.loadOlder(SEEK);
      if (epoch !== this.#epoch) return false;
      if (this.error !== null) break;
    }
    this.seeking = false;
    return has();
  }

  /** Shows another part of the chat; what is loaded stays where the two meet. */
  #moveTo(page: MessagePage, id: string): void {
    if (!page.rows.some((message) => message.key.id === id || message.chat?.album.includes(id))) return;
    const fresh = this.#unknown(page.rows);
    const first = this.messages[0];
    if (first && page.rows.some((message) => message.key.id === first.key.id)) {
      this.messages = [...fresh, ...this.messages].sort(inOrder);
      this.older = page.older;
      return;
    }
    this.messages = page.rows;
    this.older = page.older;
    this.newer = page.newer;
    this.outgoing = page.outgoing;
  }

  /** The newest messages are looked at: of many, those far above are let go, and read again when somebody goes there. */
  trim(): void {
    if (this.phase === 'ready' && !this.seeking && !this.newer && this.messages.length > MOST) void this.#reread(true);
  }

  /** Re-reads when facts name the open conversation; the answer says whether they did. */
  apply(facts: FactsArrived): boolean {
    const key = this.key;
    if (key === null || this.phase === 'none') return false;
    const id = idOf(key);
    if (!facts.overflowed && !facts.conversations.some((named) => idOf(named) === id)) return false;
    if (facts.overflowed || facts.messages === null) this.#named = null;
    for (const named of facts.messages ?? []) if (named.account === key.account) this.#named?.add(named.id);
    if (this.phase === 'failed') void this.open(key);
    else void this.#reread(facts.merged.length > 0);
    return true;
  }

  /** Reads again what could not be read. */
  async retry(): Promise<void> {
    clearTimeout(this.#againTimer);
    if (this.key === null) return;
    if (this.phase === 'failed') await this.open(this.key);
    else if (this.phase === 'ready') await this.#reread();
  }

  async #reread(whole = false): Promise<void> {
    this.#again = true;
    this.#whole ||= whole;
    if (this.#rereading || this.phase === 'loading') return;
    this.#rereading = true;
    try {
      while (this.#again && this.key !== null && this.phase === 'ready') {
        this.#again = false;
        const epoch = this.#epoch;
        const named = this.#named;
        this.#named = new Set();
        if (this.newer && !this.#whole) {
          // What comes in meanwhile is below what is loaded, and read when somebody goes there.
          await this.refresh(named === null ? this.messages.map((message) => message.key.id) : [...named]);
          this.error = null;
          continue;
        }
        const page = await ipc.messages(this.key, null, Math.max(FIRST, Math.min(REREAD, this.messages.length)));
        if (epoch !== this.#epoch) continue;
        this.#take(page);
        const read = new Set(page.rows.map((message) => message.key.id));
        if (named === null) await this.#rereadAbove(page);
        else await this.refresh([...named].filter((id) => !read.has(id)));
        this.error = null;
        this.#againIn = AGAIN_FIRST;
      }
    } catch (thrown) {
      // What was named is not known any more.
      this.#named = null;
      this.#failed(thrown);
    } finally {
      this.#rereading = false;
    }
  }

  /** Reads what is loaded above the newest page again, page by page. */
  async #rereadAbove(newest: MessagePage): Promise<void> {
    const epoch = this.#epoch;
    let before = newest.older;
    let left = this.messages.length - newest.rows.length;
    while (this.key !== null && before !== null && left > 0) {
      const page = await ipc.messages(this.key, before, REREAD);
      if (epoch !== this.#epoch) return;
      this.#replace(page.rows);
      before = page.older;
      left -= page.rows.length;
    }
  }

  #failed(thrown: unknown): void {
    const error = IpcError.from(thrown);
    if (error.code === 'not_found') {
      this.close();
      return;
    }
    this.error = error;
    clearTimeout(this.#againTimer);
    this.#againTimer = setTimeout(() => void this.retry(), this.#againIn);
    this.#againIn = Math.min(AGAIN_MOST, this.#againIn * 2);
  }

  #take(page: MessagePage): void {
    const whole = this.#whole;
    this.#whole = false;
    this.outgoing = page.outgoing;
    const known = new Set(this.messages.map((message) => message.key.id));
    const added = page.rows.filter((message) => !known.has(message.key.id));
    const fresh = new Map(page.rows.map((message) => [message.key.id, message]));
    this.#takeUnread(added.filter((message) => !message.seen && !message.ours), fresh);
    // More came than a page holds, or from anywhere: what lies between the page and the rest is not loaded.
    if (whole || (page.older !== null && added.length === page.rows.length)) {
      this.messages = page.rows;
      this.older = page.older;
      this.newer = false;
      return;
    }
    const from = page.rows[0]?.receivedAt ?? '';
    // A part of an album that became part of its first message is no message any more, nor what stood for an unreadable one.
    const gone = (message: MessageView) => (message.chat !== null || message.unreadable !== null) && message.receivedAt > from && !fresh.has(message.key.id);
    const kept = this.messages.filter((message) => !gone(message)).map((message) => fresh.get(message.key.id) ?? message);
    this.messages = [...kept, ...added].sort(inOrder);
    if (this.messages.length <= page.rows.length) this.older = page.older;
  }

  /** What is new stands below the line; once everything below it was read, below a line of its own. */
  #takeUnread(unread: readonly MessageView[], fresh: ReadonlyMap<string, MessageView>): void {
    const [first] = unread;
    if (!first) return;
    const line = this.messages.findIndex((message) => message.key.id === this.unreadFrom);
    const isRead = (message: MessageView) => message.ours || (fresh.get(message.key.id) ?? message).seen;
    if (line >= 0 && !this.messages.slice(line).every(isRead)) this.unreadCount += unread.length;
    else {
      this.unreadFrom = first.key.id;
      this.unreadCount = unread.length;
    }
  }
}

/** Oldest first; those of one moment, as whole seconds are, in the order of their keys, as pages are. */
function inOrder(a: MessageView, b: MessageView): number {
  return Date.parse(a.receivedAt) - Date.parse(b.receivedAt) || (a.key.id < b.key.id ? -1 : 1);
}
