import { SvelteMap } from 'svelte/reactivity';

import { type AttachedFile, type ConversationKey, type DraftView, type OutgoingView, type PersonView, ipc } from '../ipc/client';
import { marked } from './formatting';
import { idOf } from './ordering';

/** What is answered, as the composer shows it. */
export interface Answered {
  message: string;
  author: string;
  text: string;
}

/** What was typed in a chat and not sent yet. */
export interface ChatDraft {
  text: string;
  answered: Answered | null;
  files: AttachedFile[];
}

/** What a mail is: an answer to its author, to all, a mail that is passed on, or a new one. */
export type MailKind = 'reply' | 'all' | 'forward' | 'new';

/** What can be typed of a mail. */
export interface MailFields {
  to: PersonView[];
  cc: PersonView[];
  bcc: PersonView[];
  subject: string;
  text: string;
  files: AttachedFile[];
}

/** A mail that was not sent yet. */
export interface MailDraft extends MailFields {
  kind: MailKind;
  /** The message that it answers or passes on. */
  message: string | null;
  /** What is quoted under it, and whether it is. */
  quote: string;
  quotes: boolean;
  /** What stood in it before anybody typed: with that alone it is as good as empty. */
  begun: string;
}

type Content = { chat: ChatDraft } | { mail: MailDraft };

interface Kept {
  account: string;
  /** Its key in the database. */
  id: string;
  /** What it answers in; null for a new mail. */
  conversation: ConversationKey | null;
  content: Content;
}

/** What is typed is stored after a pause of so many milliseconds. */
const PAUSE = 400;
/** What could not be stored or read is tried again after so many. */
const AGAIN = 3000;
const emptyChat: ChatDraft = { text: '', answered: null, files: [] };

/** Everything that can be typed of a mail, as one string that can be compared. */
export const fingerprint = ({ to, cc, bcc, subject, text, files }: MailFields): string =>
  JSON.stringify([[to, cc, bcc].map((people) => people.map((person) => person.address)), subject.trim(), text.trim(), files.map((file) => file.sha256)]);

const NOTHING = fingerprint({ to: [], cc: [], bcc: [], subject: '', text: '', files: [] });

function isEmpty(content: Content): boolean {
  if ('chat' in content) return content.chat.text === '' && content.chat.answered === null && content.chat.files.length === 0;
  const now = fingerprint(content.mail);
  return now === content.mail.begun || now === NOTHING;
}

/** What was to be handed over came back with what stood before it. */
export class HandedBack extends Error {}

/** What somebody writes and has not sent: stored while it is typed, there again after a crash. */
class Drafts {
  #kept = new SvelteMap<string, Kept>();
  /** Those that could not be stored the last time. */
  #failing = new SvelteMap<string, true>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** Drafts that are stored after a pause, by their keys in the database, with their accounts. */
  #waiting = new Map<string, string>();
  /** Storing and removing of one draft follow one another. */
  #lines = new Map<string, Promise<void>>();
  #stored = new Set<string>();
  /** What is being handed over of each chat, in its order. */
  #leaving = new SvelteMap<string, Kept[]>();
  /** When the last of it is handed over. */
  #turns = new Map<string, Promise<void>>();
  /** Drafts that were handed over: what was read of them before is not true any more. */
  #handed = new Set<string>();
  #loading = false;
  #loaded = false;
  #isReady = (): void => undefined;
  /** What is stored has been read: from here on what is put into a draft joins what stands there. */
  readonly ready = new Promise<void>((resolve) => (this.#isReady = resolve));

  /** Reads what is stored, once. What was typed meanwhile stays. */
  async load(): Promise<void> {
    if (this.#loading || this.#loaded) return;
    this.#loading = true;
    try {
      for (const view of (await ipc.drafts()).reverse()) this.#take(view);
      this.#loaded = true;
      this.#isReady();
    } catch {
      setTimeout(() => void this.load(), AGAIN);
    } finally {
      this.#loading = false;
    }
  }

  #take(view: DraftView): void {
    const content = contentOf(view.content);
    if (content === null || this.#handed.has(view.id)) return;
    const conversation = view.conversation === null ? null : { account: view.account, id: view.conversation };
    const name = conversation ? idOf(conversation) : nameOf(view.id);
    if (this.#kept.has(name)) return;
    this.#stored.add(view.id);
    this.#kept.set(name, { account: view.account, id: view.id, conversation, content });
  }

  chat(conversation: ConversationKey): ChatDraft {
    const content = this.#kept.get(idOf(conversation))?.content;
    return content && 'chat' in content ? content.chat : emptyChat;
  }

  /** Changes a chat's draft; an empty one is forgotten. */
  changeChat(conversation: ConversationKey, change: Partial<ChatDraft>): void {
    this.#set(idOf(conversation), conversation.account, conversation, { chat: { ...this.chat(conversation), ...change } });
  }

  /** What was not sent comes back before what is written, with what it answers unless something else is answered. */
  takeBack(conversation: ConversationKey, { text, entities, reply, files }: OutgoingView): void {
    const own = marked({ text, entities })?.text ?? text;
    const answered = reply === null || reply.message === null ? null : { message: reply.message, author: reply.author, text: reply.text };
    this.changeChat(conversation, joined([{ text: own, answered, files }, this.chat(conversation)]));
  }

  /**
   * Takes what is written in a chat out of the field and hands it over, after what was handed over there before. The
   * database has it until `work` has ended its draft, whose key it gets. Should it fail, everything that was to follow
   * comes back with it, in its order, before what is written.
   */
  handOver<T>(conversation: ConversationKey, work: (key: string) => Promise<T>): Promise<T> {
    const name = idOf(conversation);
    const kept = this.#kept.get(name);
    if (!kept || !('chat' in kept.content)) return Promise.reject(new Error('Nothing is written here'));
    this.#kept.delete(name);
    this.#handed.add(kept.id);
    this.#leaving.set(name, [...(this.#leaving.get(name) ?? []), kept]);
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(async () => {
      if (!this.#leaving.get(name)?.includes(kept)) throw new HandedBack();
      try {
        this.#store(kept.id, kept.account);
        await this.#lines.get(kept.id);
        const result = await work(kept.id);
        this.#stored.delete(kept.id);
        this.#leave(name, kept);
        return result;
      } catch (thrown) {
        this.#handBack(name);
        throw thrown;
      }
    });
    const over = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(name, over);
    void over.then(() => this.#turns.get(name) === over && this.#turns.delete(name));
    return turn;
  }

  #leave(name: string, kept: Kept): void {
    const rest = (this.#leaving.get(name) ?? []).filter((other) => other !== kept);
    if (rest.length > 0) this.#leaving.set(name, rest);
    else this.#leaving.delete(name);
  }

  #handBack(name: string): void {
    const back = this.#leaving.get(name) ?? [];
    this.#leaving.delete(name);
    const [first] = back;
    if (!first?.conversation) return;
    const chats = back.flatMap(({ content }) => ('chat' in content ? [content.chat] : []));
    this.#set(name, first.account, first.conversation, { chat: joined([...chats, this.chat(first.conversation)]) }, first.id);
  }

  mail(name: string): MailDraft | null {
    const content = this.#kept.get(name)?.content;
    return content && 'mail' in content ? content.mail : null;
  }

  accountOf(name: string): string | null {
    return this.#kept.get(name)?.account ?? null;
  }

  conversationOf(name: string): ConversationKey | null {
    return this.#kept.get(name)?.conversation ?? null;
  }

  /** Begins a mail, in a conversation or new, and returns the draft's name. */
  begin(account: string, conversation: ConversationKey | null, mail: MailDraft): string {
    const name = conversation ? idOf(conversation) : nameOf(crypto.randomUUID());
    this.#set(name, account, conversation, { mail });
    return name;
  }

  changeMail(name: string, change: Partial<MailDraft>): void {
    const kept = this.#kept.get(name);
    const mail = this.mail(name);
    if (kept && mail) this.#set(name, kept.account, kept.conversation, { mail: { ...mail, ...change } });
  }

  /** A new mail goes out from another account: there it is stored anew. */
  moveMail(name: string, account: string): void {
    const kept = this.#kept.get(name);
    if (!kept || kept.account === account) return;
    const id = crypto.randomUUID();
    this.#kept.set(name, { ...kept, account, id });
    this.#store(kept.id, kept.account);
    this.#storeAfter(PAUSE, id, account);
  }

  /** Whether somebody has written something here that is no message yet. */
  written(name: string): boolean {
    const kept = this.#kept.get(name);
    return this.#leaving.has(name) || (kept !== undefined && !isEmpty(kept.content));
  }

  /** Whether something that was written here is being handed over: what is written meanwhile is stored after it. */
  leaves(name: string): boolean {
    return this.#leaving.has(name);
  }

  /** New mails that were begun, the latest first. */
  get news(): string[] {
    return [...this.#kept].filter(([name, kept]) => kept.conversation === null && this.written(name)).map(([name]) => name).reverse();
  }

  /** Whether what is written here could not be stored. */
  fails(name: string): boolean {
    return this.#failing.has(this.#kept.get(name)?.id ?? '');
  }

  /** The key in the database of what is written here: whoever sends it ends it there. */
  keyOf(name: string): string | null {
    return this.#kept.get(name)?.id ?? null;
  }

  /** What was written here was sent, and its draft in the database has ended with it. */
  ended(name: string): void {
    const kept = this.#kept.get(name);
    if (!kept) return;
    this.#kept.delete(name);
    this.#stored.delete(kept.id);
  }

  remove(name: string): void {
    const kept = this.#kept.get(name);
    if (!kept) return;
    this.#kept.delete(name);
    this.#store(kept.id, kept.account);
  }

  /** A conversation became part of another one: what was written in it goes along, beside what is written there. */
  follow(was: ConversationKey, is: ConversationKey): void {
    const kept = this.#kept.get(idOf(was));
    if (!kept) return;
    this.#kept.delete(idOf(was));
    const free = !this.#kept.has(idOf(is));
    this.#set(free ? idOf(is) : nameOf(kept.id), kept.account, free ? is : null, kept.content, kept.id);
  }

  has(conversation: ConversationKey): boolean {
    return this.#kept.has(idOf(conversation));
  }

  /** Stores at once what waits for a pause. */
  async flush(): Promise<void> {
    for (const [id, account] of [...this.#waiting]) this.#store(id, account);
    await Promise.all(this.#lines.values());
  }

  #set(name: string, account: string, conversation: ConversationKey | null, content: Content, id = this.#kept.get(name)?.id ?? crypto.randomUUID()): void {
    if ('chat' in content && isEmpty(content)) this.#kept.delete(name);
    else this.#kept.set(name, { account, id, conversation, content });
    this.#storeAfter(PAUSE, id, account);
  }

  #storeAfter(pause: number, id: string, account: string): void {
    clearTimeout(this.#timers.get(id));
    this.#waiting.set(id, account);
    this.#timers.set(id, setTimeout(() => this.#store(id, account), pause));
  }

  /** Puts a draft into the database as it stands, or out of it where nothing is left. */
  #store(id: string, account: string): void {
    clearTimeout(this.#timers.get(id));
    this.#waiting.delete(id);
    // The database has one draft of a conversation: what is typed next waits until the one before it has been handed over.
    const name = [...this.#kept].find(([, kept]) => kept.id === id)?.[0];
    const turn = name === undefined ? undefined : this.#turns.get(name);
    if (turn) {
      void turn.then(() => this.#store(id, account));
      return;
    }
    // What is to be handed over after another one is stored when its turn comes.
    if ([...this.#leaving.values()].some(([, ...later]) => later.some((kept) => kept.id === id))) return;
    const line = (this.#lines.get(id) ?? Promise.resolve()).then(async () => {
      // What was typed last counts, however long the line is.
      const kept = [...this.#kept.values(), ...[...this.#leaving.values()].flat()].find((candidate) => candidate.id === id && !isEmpty(candidate.content));
      if (!kept && !this.#stored.has(id)) return;
      try {
        if (kept) await ipc.saveDraft(account, id, kept.conversation, JSON.stringify(kept.content));
        else await ipc.removeDraft(account, id);
        if (kept) this.#stored.add(id);
        else this.#stored.delete(id);
        this.#failing.delete(id);
      } catch {
        this.#failing.set(id, true);
        if (!this.#waiting.has(id)) this.#storeAfter(AGAIN, id, account);
      }
    });
    this.#lines.set(id, line);
    void line.then(() => this.#lines.get(id) === line && this.#lines.delete(id));
  }
}

const nameOf = (id: string): string => `new ${id}`;

/** Several drafts of one chat as one, in their order; it answers what the last of them answers. */
function joined(drafts: readonly ChatDraft[]): ChatDraft {
  const texts = drafts.map(({ text }) => text).filter((text) => text !== '');
  return { text: texts.join('\n'), answered: drafts.findLast(({ answered }) => answered !== null)?.answered ?? null, files: drafts.flatMap(({ files }) => files) };
}

/** A draft as it was stored; null where another version wrote what is not understood here. */
function contentOf(stored: string): Content | null {
  try {
    const content = JSON.parse(stored) as Partial<Record<'chat' | 'mail', Record<string, unknown>>>;
    const { chat, mail } = content;
    if (typeof chat?.['text'] === 'string' && (chat['files'] === undefined || Array.isArray(chat['files']))) return { chat: { ...emptyChat, ...chat } as ChatDraft };
    if (typeof mail?.['text'] === 'string' && [mail['to'], mail['cc'], mail['bcc'], mail['files']].every(Array.isArray)) return { mail: mail as unknown as MailDraft };
  } catch {
    // It stays in the database as it is.
  }
  return null;
}

export const drafts = new Drafts();

const KEY = 'skrynka.enterSends';

/** Whether Enter alone sends; Ctrl+Enter always does. Kept by the window itself. */
class Sending {
  enter = $state(read());

  choose(enter: boolean): void {
    this.enter = enter;
    try {
      localStorage.setItem(KEY, enter ? '1' : '0');
    } catch {
      // Without storage the choice lives as long as the window.
    }
  }
}

function read(): boolean {
  try {
    return localStorage.getItem(KEY) === '1';
  } catch {
    return false;
  }
}

export const sending = new Sending();
