import { type ContactLinkView, type ConversationKey, type FactsArrived, type FoundPersonView, IpcError, type PersonDetails, ipc } from '../ipc/client';
import { t } from '../i18n/index.svelte';
import { tell } from './notice.svelte';
import { idOf } from './ordering';
import { helpFor } from './help.svelte';
import { errorTitle } from './words';

/** What is not read within so many milliseconds is shown as being read. */
const LATE = 150;
/** In a flood of facts it is read again no more often than every so many. */
const EVERY = 400;
const KEY = 'skrynka.otherPeople';
/** So many suggestions that were turned down are remembered. */
const REMEMBERED = 500;

/** Who the open conversation is with. */
class Person {
  /** What was read last, and of which conversation. */
  read = $state.raw<{ id: string; details: PersonDetails } | null>(null);
  /** The open conversation is not read yet, for long enough to be seen. */
  late = $state(false);
  error = $state.raw<IpcError | null>(null);
  #key: ConversationKey | null = null;
  #epoch = 0;
  #lateTimer: ReturnType<typeof setTimeout> | undefined;
  #againTimer: ReturnType<typeof setTimeout> | undefined;
  /** Pairs of contacts that somebody said to be different people. */
  #different = $state.raw<readonly string[]>(remembered());

  /** Reads a conversation's person; the one before stands until then. */
  show(key: ConversationKey): void {
    this.#key = key;
    this.error = null;
    this.late = false;
    clearTimeout(this.#lateTimer);
    if (this.read?.id !== idOf(key)) this.#lateTimer = setTimeout(() => (this.late = true), LATE);
    void this.reread();
  }

  async reread(): Promise<void> {
    const key = this.#key;
    if (key === null) return;
    const epoch = ++this.#epoch;
    clearTimeout(this.#againTimer);
    this.#againTimer = undefined;
    try {
      const details = await ipc.person(key);
      if (epoch !== this.#epoch) return;
      this.read = { id: idOf(key), details };
      this.error = null;
    } catch (thrown) {
      if (epoch !== this.#epoch) return;
      this.error = IpcError.from(thrown);
    }
    clearTimeout(this.#lateTimer);
    this.late = false;
  }

  /** Reads again soon where facts name one of the conversations, or a message with a file, that are shown. */
  apply(facts: FactsArrived): void {
    if (this.#key === null || this.#againTimer !== undefined) return;
    const shown = new Set([this.#key, ...(this.read?.details.conversations.map((row) => row.key) ?? [])].map(idOf));
    const files = new Set(this.read?.details.files.map((file) => file.message.id));
    const named = [...facts.conversations, ...facts.merged].some((key) => shown.has(idOf(key))) || facts.messages?.some((key) => files.has(key.id));
    if (facts.overflowed || named) this.#againTimer = setTimeout(() => void this.reread(), EVERY);
  }

  /** Contacts that are likely this person and were not turned down. */
  likely(details: PersonDetails): FoundPersonView[] {
    return details.likely.filter(({ contact }) => !this.#different.includes(pair(details.contact ?? '', contact)));
  }

  /** Two contacts are different people: it is not suggested again. */
  keepApart(one: string, other: string): void {
    this.#different = [...this.#different, pair(one, other)].slice(-REMEMBERED);
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#different));
    } catch {
      // Without storage it is remembered as long as the window lives.
    }
  }

  async link(one: string, other: string, name: string): Promise<void> {
    await this.#change(() => ipc.linkPeople(one, other), t('person.linked', { name }), t('person.linkFailed'));
  }

  async unlink(contact: string, value: string): Promise<void> {
    await this.#change(() => ipc.unlinkPerson(contact), t('person.unlinked', { value }), t('person.unlinkFailed'));
  }

  async #change(change: () => Promise<ContactLinkView[]>, done: string, failed: string): Promise<void> {
    try {
      const before = await change();
      tell({ tone: 'ok', text: done, remedy: { label: t('mail.undo'), testid: 'person-undo', run: () => void this.#restore(before) } });
    } catch (thrown) {
      this.#tellFailed(failed, thrown);
    }
    await this.reread();
  }

  async #restore(links: ContactLinkView[]): Promise<void> {
    try {
      await ipc.restoreLinks(links);
    } catch (thrown) {
      this.#tellFailed(t('person.restoreFailed'), thrown);
    }
    await this.reread();
  }

  #tellFailed(text: string, thrown: unknown): void {
    const error = IpcError.from(thrown);
    tell({ tone: 'danger', text, detail: error.detail || errorTitle(error.code), help: helpFor(error.code) });
  }
}

const pair = (one: string, other: string): string => [one, other].sort().join(' ');

function remembered(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter((entry) => typeof entry === 'string') : [];
  } catch {
    return [];
  }
}

export const person = new Person();
