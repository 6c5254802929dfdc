import { type ConversationKey, type FactsArrived, IpcError, type MessagePage, type MessageView, ipc } from '../ipc/client';
import { idOf } from './ordering';

const FIRST = 30;
const OLDER = 50;

/** The open conversation: its newest messages, older ones on demand, new ones as they come. */
export class Talk {
  key = $state.raw<ConversationKey | null>(null);
  messages = $state.raw<readonly MessageView[]>([]);
  phase = $state<'none' | 'loading' | 'ready' | 'failed'>('none');
  error = $state.raw<IpcError | null>(null);
  older = $state<string | null>(null);
  loadingOlder = $state(false);
  /** The first message that was unread when the conversation was opened: the line stays where it was. */
  unreadFrom = $state<string | null>(null);
  unreadCount = $state(0);

  #epoch = 0;
  #rereading = false;
  #again = false;

  async open(key: ConversationKey): Promise<void> {
    const epoch = ++this.#epoch;
    this.key = key;
    this.messages = [];
    this.older = null;
    this.unreadFrom = null;
    this.unreadCount = 0;
    this.error = null;
    this.phase = 'loading';
    try {
      const page = await ipc.messages(key, null, FIRST);
      if (epoch !== this.#epoch) return;
      this.messages = page.rows;
      this.older = page.older;
      const unread = page.rows.filter((message) => !message.seen && !message.ours);
      this.unreadFrom = unread[0]?.key.id ?? null;
      this.unreadCount = unread.length;
      this.phase = 'ready';
    } catch (thrown) {
      if (epoch !== this.#epoch) return;
      this.error = IpcError.from(thrown);
      this.phase = 'failed';
    }
  }

  close(): void {
    this.#epoch += 1;
    this.key = null;
    this.messages = [];
    this.phase = 'none';
  }

  /** Puts the page of older messages before what is shown. */
  async loadOlder(): Promise<void> {
    if (this.loadingOlder || this.older === null || this.key === null) return;
    const epoch = this.#epoch;
    this.loadingOlder = true;
    try {
      const page = await ipc.messages(this.key, this.older, OLDER);
      if (epoch !== this.#epoch) return;
      const present = new Set(this.messages.map((message) => message.key.id));
      this.messages = [...page.rows.filter((message) => !present.has(message.key.id)), ...this.messages];
      this.older = page.older;
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    } finally {
      this.loadingOlder = false;
    }
  }

  /** Re-reads the newest page when facts name the open conversation; the answer says whether they did. */
  apply(facts: FactsArrived): boolean {
    const key = this.key;
    if (key === null || this.phase !== 'ready') return false;
    const id = idOf(key);
    if (!facts.overflowed && !facts.conversations.some((named) => idOf(named) === id)) return false;
    void this.#reread(key);
    return true;
  }

  async #reread(key: ConversationKey): Promise<void> {
    if (this.#rereading) {
      this.#again = true;
      return;
    }
    this.#rereading = true;
    const epoch = this.#epoch;
    try {
      do {
        this.#again = false;
        const page = await ipc.messages(key, null, FIRST);
        if (epoch !== this.#epoch) return;
        this.#take(page);
      } while (this.#again);
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    } finally {
      this.#rereading = false;
    }
  }

  #take(page: MessagePage): void {
    const fresh = new Map(page.rows.map((message) => [message.key.id, message]));
    const kept = this.messages.map((message) => fresh.get(message.key.id) ?? message);
    const present = new Set(kept.map((message) => message.key.id));
    const added = page.rows.filter((message) => !present.has(message.key.id));
    const unread = added.filter((message) => !message.seen && !message.ours);
    if (this.unreadFrom === null && unread[0]) this.unreadFrom = unread[0].key.id;
    this.unreadCount += unread.length;
    this.messages = [...kept, ...added].sort((a, b) => Date.parse(a.receivedAt) - Date.parse(b.receivedAt));
    if (this.messages.length <= page.rows.length) this.older = page.older;
  }
}
