import { untrack } from 'svelte';

import { type ConversationKey, type ConversationRow, type FactsArrived, IpcError, type MessageView, type MuteSpan, ipc } from '../ipc/client';
import { t } from '../i18n/index.svelte';
import { drafts } from './drafts.svelte';
import { ConversationList } from './list.svelte';
import { announce, tell } from './notice.svelte';
import { type Channel, type ListFilter, idOf, passes } from './ordering';
import { type View, go, place, show } from './route.svelte';
import { Search } from './search.svelte';
import { Selection } from './selection.svelte';
import { session } from './session.svelte';
import { Talk } from './talk.svelte';
import { helpFor } from './help.svelte';
import { errorTitle } from './words';

/** A conversation counts as read after it was shown this long, in milliseconds. */
const READ_AFTER = 1000;

/** The inbox as a whole: list, search, and the open conversation. It outlives its screen. */
class Inbox {
  readonly list = new ConversationList();
  readonly search = new Search();
  readonly talk = new Talk();
  /** The rows of the list that are worked on together. */
  readonly selection = new Selection();
  /** The row the keys are on: a conversation's id, or a hit's message id while searching. */
  active = $state<string | null>(null);
  /** The message a search hit led to. */
  target = $state<string | null>(null);
  /** How often a hit was followed: the same one may be followed again. */
  followed = $state(0);
  unreadOnly = $state(false);
  /** Only one channel's conversations; null for all. */
  channel = $state<Channel | null>(null);
  /** The open conversation's row as it was read where neither the list nor the hits hold it. */
  loose = $state.raw<ConversationRow | null>(null);

  /**
   * Up to which message the open chat is in view, told by its thread; null while nothing of it is. Mails have no such
   * thread: they count as a whole.
   */
  lowest: (() => MessageView | null) | null = null;

  /** Whether the open conversation is on the screen, not behind another screen or pane. */
  #inFront = false;
  #readTimer: ReturnType<typeof setTimeout> | undefined;
  /** Marked unread by hand: not read again until it is opened again. */
  #leftUnread: string | null = null;
  #shown = '';
  #view: View | null = null;
  /** Which conversation was last told to be in front. */
  #toldFront: string | null = null;
  /** Which notice was followed last. */
  #followed: ConversationKey | null = null;

  /** The open conversation's id. */
  get openId(): string | null {
    return this.talk.key === null ? null : idOf(this.talk.key);
  }

  /** Shows the list of a view; nothing happens when it is shown already. Choosing a view ends a search. */
  async show(view: View): Promise<void> {
    const chosen = this.#view !== null && this.#view !== view;
    this.#view = view;
    if (chosen) untrack(() => this.search.active && this.leaveSearch());
    const filter = this.#filter(view);
    const name = JSON.stringify(filter);
    if (name === this.#shown) return;
    this.#shown = name;
    untrack(() => this.selection.clear());
    await this.list.open(filter);
  }

  /** Shows what is unread, of all that there is. */
  showUnread(): void {
    this.channel = null;
    this.unreadOnly = true;
    show({ kind: 'all' });
  }

  /** A conversation's row, where the list or the hits hold it. */
  listed(id: string | null): ConversationRow | undefined {
    return this.list.entries.find((entry) => entry.id === id)?.row ?? this.search.hits.find((hit) => idOf(hit.conversation.key) === id)?.conversation;
  }

  /** The open conversation's row. */
  get row(): ConversationRow | undefined {
    return this.listed(this.openId) ?? (this.loose && idOf(this.loose.key) === this.openId ? this.loose : undefined);
  }

  apply(facts: FactsArrived): void {
    const open = this.talk.key;
    if (open !== null && facts.merged.some((key) => idOf(key) === idOf(open))) void this.#followMerge(open);
    for (const key of facts.merged) if (drafts.has(key)) void this.#followDraft(key);
    this.list.apply(facts);
    this.search.apply(facts);
    if (!this.talk.apply(facts)) return;
    this.lookedAt();
    if (this.loose !== null && idOf(this.loose.key) === this.openId) void this.readLoose();
  }

  /** Opens a conversation; it is marked read after a moment, or at once when asked for. */
  open(key: ConversationKey, options: { target?: string; atOnce?: boolean } = {}): void {
    const id = idOf(key);
    const wait = options.atOnce ? 0 : READ_AFTER;
    this.target = options.target ?? null;
    if (options.target !== undefined) this.followed += 1;
    this.#leftUnread = null;
    this.list.kept = id;
    if (id !== this.openId) void this.talk.open(key, options.target).then(() => this.openId === id && this.#readSoon(wait));
    else {
      this.#readSoon(wait);
      if (options.target !== undefined && this.talk.phase === 'ready') void this.talk.seek(options.target);
    }
  }

  /** Shows what a notice told of, from its newest messages on; where this list does not hold it, in the list of all. */
  async follow(told: ConversationKey): Promise<void> {
    this.#followed = told;
    // A merged conversation is answered by the one it became.
    const rows = await ipc.conversationsByKey([told]).catch(() => null);
    if (this.#followed !== told) return;
    const row = rows?.[0];
    this.leaveSearch();
    const held = row !== undefined && (this.list.indexOf(idOf(row.key)) >= 0 || passes(this.#filter(place.view), row));
    if (rows !== null && !held) {
      this.unreadOnly = false;
      this.channel = null;
      show({ kind: 'all' });
      if (!row) return;
    }
    go({ screen: 'inbox', talk: true });
    // Open already, it may show older messages.
    this.talk.close();
    this.open(row?.key ?? told, { atOnce: true });
    this.active = this.openId;
  }

  /** Reads the open conversation's row. */
  async readLoose(): Promise<void> {
    if (this.talk.key === null) return;
    const [row] = await ipc.conversationsByKey([this.talk.key]).catch(() => []);
    if (row && idOf(row.key) === this.openId) this.loose = row;
  }

  /** Shows the open conversation from its newest messages on. */
  reopen(): void {
    const { key } = this.talk;
    if (key === null) return;
    this.target = null;
    void this.talk.open(key);
  }

  close(): void {
    clearTimeout(this.#readTimer);
    this.list.kept = null;
    this.talk.close();
  }

  /** Mutes a conversation, or tells of its messages again. */
  async mute(key: ConversationKey, span: MuteSpan): Promise<void> {
    try {
      await ipc.muteConversation(key, span);
      announce(t(span === 'always' ? 'talk.muted' : `talk.muteSaid.${span}`));
    } catch (thrown) {
      const error = IpcError.from(thrown);
      tell({ tone: 'danger', text: t('talk.muteFailed'), detail: error.detail || errorTitle(error.code), help: helpFor(error.code) });
    }
  }

  /** Ends the search: the list as it was, the keys on the open conversation. */
  leaveSearch(): void {
    this.search.clear();
    this.active = this.openId;
  }

  /** Says whether the open conversation is on the screen. */
  front(inFront: boolean): void {
    this.#inFront = inFront;
    this.tellFront();
    if (inFront) this.lookedAt();
    else clearTimeout(this.#readTimer);
  }

  /** Tells which conversation somebody is looking at, so that no notice tells of it too. */
  tellFront(): void {
    const key = this.#inFront && watched() ? this.talk.key : null;
    const id = key === null ? null : idOf(key);
    if (id === this.#toldFront) return;
    this.#toldFront = id;
    void ipc.setFront(key).catch(() => (this.#toldFront = null));
  }

  /** Somebody is looking again: what is shown counts as read after a moment. */
  lookedAt(): void {
    if (this.talk.phase === 'ready') this.#readSoon(READ_AFTER);
  }

  /** Leaves the open conversation unread until it is opened again, where that is the one. */
  leaveUnread(id: string): void {
    if (id !== this.openId) return;
    clearTimeout(this.#readTimer);
    this.#leftUnread = id;
  }

  /** The open conversation becomes unread and stays so until it is opened again. */
  async markUnread(): Promise<void> {
    const key = this.talk.key;
    if (key === null) return;
    this.leaveUnread(idOf(key));
    try {
      await ipc.markUnread(key);
    } catch (thrown) {
      this.#leftUnread = null;
      const error = IpcError.from(thrown);
      tell({ tone: 'danger', text: t('talk.unreadFailed'), detail: error.detail || errorTitle(error.code), help: helpFor(error.code) });
    }
  }

  /** The open conversation became part of another one, which takes its place. */
  async #followMerge(was: ConversationKey): Promise<void> {
    const rows = await ipc.conversationsByKey([was]).catch(() => null);
    const id = idOf(was);
    if (rows === null || this.openId !== id) return;
    const [row] = rows;
    // It was removed with the data of whom it was with.
    if (!row) return this.close();
    const next = idOf(row.key);
    if (next === id) return;
    this.list.kept = next;
    if (this.active === id) this.active = next;
    if (this.#leftUnread === id) this.#leftUnread = next;
    this.talk.move(row.key);
  }

  async #followDraft(was: ConversationKey): Promise<void> {
    const [row] = await ipc.conversationsByKey([was]).catch(() => []);
    if (row && idOf(row.key) !== idOf(was)) drafts.follow(was, row.key);
  }

  #filter(view: View): ListFilter {
    return {
      view: view.kind === 'account' ? 'all' : view.kind,
      account: view.kind === 'account' ? view.account : null,
      channel: view.kind === 'account' ? null : this.channel,
      unreadOnly: this.unreadOnly,
      me: view.kind === 'mine' ? session.preferences.me : null,
    };
  }

  #readSoon(wait: number): void {
    if (this.openId !== null && this.openId === this.#leftUnread) return;
    clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => void this.#markRead(), wait);
  }

  /** What is shown was read: somebody answers it or is done with it. */
  readNow(): void {
    if (this.openId !== null && this.openId === this.#leftUnread) return;
    clearTimeout(this.#readTimer);
    void this.#markRead();
  }

  async #markRead(): Promise<void> {
    const key = this.talk.key;
    if (key === null || this.talk.phase !== 'ready' || !this.#inFront || !watched()) return;
    const shown = this.lowest?.() ?? null;
    if (this.lowest !== null && shown === null) return;
    const row = this.list.entries.find((entry) => entry.id === idOf(key))?.row;
    const { messages } = this.talk;
    const upTo = shown === null ? messages : messages.slice(0, messages.indexOf(shown) + 1);
    if (row && (row.unread === 0 || upTo.length < messages.length) && upTo.every((message) => message.seen)) return;
    try {
      await ipc.markRead(key, shown === null ? null : (shown.chat?.album.at(-1) ?? shown.key.id));
    } catch {
      // Not read here, it stays unread in sight and is tried again when somebody looks again.
    }
  }
}

/** Whether a person can see the window. A driven window may have no window manager that would give it the focus. */
const watched = (): boolean => !document.hidden && (document.hasFocus() || navigator.webdriver);

export const inbox = new Inbox();
