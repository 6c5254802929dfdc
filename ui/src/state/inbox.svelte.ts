import { type ConversationFilter, type ConversationKey, type FactsArrived, IpcError, ipc } from '../ipc/client';
import { ConversationList } from './list.svelte';
import { idOf } from './ordering';
import type { View } from './route.svelte';
import { Search } from './search.svelte';
import { Talk } from './talk.svelte';

/** A conversation counts as read after it was shown this long, in milliseconds. */
const READ_AFTER = 1000;

/** The inbox as a whole: list, search, and the open conversation. It outlives its screen. */
class Inbox {
  readonly list = new ConversationList();
  readonly search = new Search();
  readonly talk = new Talk();
  /** The row the keys are on: a conversation's id, or a hit's message id while searching. */
  active = $state<string | null>(null);
  /** The message a search hit led to. */
  target = $state<string | null>(null);
  unreadOnly = $state(false);
  error = $state.raw<IpcError | null>(null);

  #readTimer: ReturnType<typeof setTimeout> | undefined;
  /** Marked unread by hand: not read again until it is opened again. */
  #leftUnread: string | null = null;
  #shown = '';

  /** The open conversation's id. */
  get openId(): string | null {
    return this.talk.key === null ? null : idOf(this.talk.key);
  }

  /** Shows the list of a view; nothing happens when it is shown already. */
  async show(view: View): Promise<void> {
    const filter = filterOf(view, this.unreadOnly);
    const name = JSON.stringify(filter);
    if (name === this.#shown) return;
    this.#shown = name;
    await this.list.open(filter);
  }

  apply(facts: FactsArrived): void {
    this.list.apply(facts);
    if (this.talk.apply(facts) && this.openId !== this.#leftUnread) this.#readSoon(READ_AFTER);
  }

  /** Opens a conversation; it is marked read after a moment, or at once when asked for. */
  open(key: ConversationKey, options: { target?: string; atOnce?: boolean } = {}): void {
    const id = idOf(key);
    this.target = options.target ?? null;
    this.#leftUnread = null;
    this.list.kept = id;
    if (id !== this.openId) void this.talk.open(key);
    this.#readSoon(options.atOnce ? 0 : READ_AFTER);
  }

  close(): void {
    clearTimeout(this.#readTimer);
    this.list.kept = null;
    this.talk.close();
  }

  /** The open conversation becomes unread and stays so until it is opened again. */
  async markUnread(): Promise<void> {
    const key = this.talk.key;
    if (key === null) return;
    clearTimeout(this.#readTimer);
    this.#leftUnread = idOf(key);
    try {
      await ipc.markUnread(key);
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    }
  }

  #readSoon(wait: number): void {
    clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => void this.#markRead(), wait);
  }

  async #markRead(): Promise<void> {
    const key = this.talk.key;
    if (key === null || document.hidden) return;
    const row = this.list.entries.find((entry) => entry.id === idOf(key))?.row;
    if (row && row.unread === 0 && this.talk.messages.every((message) => message.seen)) return;
    try {
      await ipc.markRead(key);
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    }
  }
}

/** The filter a view stands for. */
export function filterOf(view: View, unreadOnly: boolean): ConversationFilter {
  return {
    account: view.kind === 'account' ? view.account : null,
    unreadOnly: unreadOnly || view.kind === 'unread',
    waitingOnly: view.kind === 'waiting',
  };
}

export const inbox = new Inbox();
