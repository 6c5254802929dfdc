import { type AttachedFile, type ConversationKey, type ConversationRow, IpcError, type MailBeginning, type MessageKey, type MessageView, ipc } from '../ipc/client';
import { t } from '../i18n/index.svelte';
import { drafts } from './drafts.svelte';
import { editing } from './editing.svelte';
import { fetchOf } from './fetches.svelte';
import { marked } from './formatting';
import { mails } from './mails.svelte';
import { idOf } from './ordering';
import { session } from './session.svelte';

/** Where a message can be passed on to: a new mail of a mailbox, or a conversation. */
export type Goal = { kind: 'mail'; account: string } | { kind: 'talk'; row: ConversationRow };

export const goalId = (goal: Goal): string => (goal.kind === 'mail' ? `mail ${goal.account}` : idOf(goal.row.key));

/** Whether a message holds anything that can be passed on. */
export const canPass = (message: MessageView): boolean => message.unreadable === null && message.chat?.service == null && (message.text !== '' || message.files.length > 0);

/** How many are passed on at once. */
export const MOST = 100;

/** The messages that one bubble shows: those of an album are passed on together. */
export const messagesOf = ({ key, chat }: MessageView): MessageKey[] => (chat && chat.album.length > 0 ? chat.album.map((id) => ({ account: key.account, id })) : [key]);

/** What was written stays, what is passed on follows. */
export const followed = (text: string, words: string): string => (text.trim() === '' ? words : `${text.trimEnd()}\n\n${words}`);

/** Somebody's words, so that none of their signs is taken for a mark of ours. */
const verbatim = (text: string): string => marked({ text, entities: [] })?.text ?? text;

/** The files of both; one that is there already does not come twice. */
export const joined = (there: readonly AttachedFile[], more: readonly AttachedFile[]): AttachedFile[] => [
  ...there,
  ...more.filter((file, at) => ![...there, ...more.slice(0, at)].some((other) => other.sha256 === file.sha256 && other.name === file.name)),
];

/** What messages are made of, in a few words. */
export function contents(messages: readonly MessageView[]): string {
  const words = messages.some(({ text }) => text.trim() !== '') ? [t('pass.words')] : [];
  return [...words, ...messages.flatMap(({ files }) => files.map((file) => file.name))].join(', ');
}

/** Passing messages of one conversation on to another one, of either network. Only what goes as it is is sent by it; copies go into a draft. */
class Passing {
  /** What is to be passed on, in its order; empty while nobody asks. */
  asked = $state.raw<readonly MessageView[]>([]);
  /** Runs once they have gone where they were to go. */
  #passed: () => void = () => undefined;
  /** Where to it is being copied. */
  busy = $state.raw<Goal | null>(null);
  error = $state.raw<IpcError | null>(null);
  /** The chat of the same account that it may go to as it is; null while that is not asked. */
  asIs = $state.raw<ConversationRow | null>(null);
  /** It is being put on its way as it is. */
  sending = $state(false);
  #epoch = 0;

  ask(messages: readonly MessageView[], passed: () => void = () => undefined): void {
    this.#epoch += 1;
    this.busy = null;
    this.error = null;
    this.asIs = null;
    this.asked = messages;
    this.#passed = passed;
  }

  /** The conversation it comes from. */
  get from(): ConversationKey | undefined {
    const [first] = this.asked;
    return first && { account: first.key.account, id: first.conversation };
  }

  /** Whether some of it has to come from the network first. */
  get fetches(): boolean {
    return this.asked.some(({ files }) => files.some((file) => file.media !== null && file.media.url === null));
  }

  /** Whether it can go there as it is: Telegram's own way, within one account. */
  goesAsIs(goal: Goal): goal is Extract<Goal, { kind: 'talk' }> {
    return goal.kind === 'talk' && goal.row.chat !== null && this.asked.every(({ chat }) => chat !== null) && goal.row.key.account === this.from?.account;
  }

  /** Sends it to the chat that was chosen as it is, with its author's name or without; says whether it is on its way. */
  async send(nameless: boolean): Promise<boolean> {
    const { asked, asIs } = this;
    if (asked.length === 0 || asIs === null || this.sending) return false;
    const epoch = ++this.#epoch;
    this.sending = true;
    this.error = null;
    try {
      await ipc.passOn(asked.flatMap(messagesOf), asIs.key, nameless);
      if (epoch !== this.#epoch) return false;
      this.#end();
      mails.write(asIs.key);
      return true;
    } catch (thrown) {
      if (epoch === this.#epoch) this.error = IpcError.from(thrown);
      return false;
    } finally {
      this.sending = false;
    }
  }

  #end(): void {
    this.asked = [];
    this.#passed();
  }

  /** Gives up waiting; the question stays. */
  stop(): void {
    if (this.busy === null) return;
    this.#epoch += 1;
    this.busy = null;
    // What somebody is fetching for its own sake goes on.
    for (const { key, files } of this.asked) {
      for (const file of files) {
        if (file.media && file.media.url === null && fetchOf(key.account, file.id)?.phase !== 'running') void ipc.cancelFetch(key.account, file.id).catch(() => undefined);
      }
    }
  }

  close(): void {
    this.stop();
    this.asked = [];
  }

  /** Copies what was asked for into a draft there and shows it; says whether it did. */
  async to(goal: Goal): Promise<boolean> {
    const { asked } = this;
    if (asked.length === 0 || this.busy !== null) return false;
    const epoch = ++this.#epoch;
    this.busy = goal;
    this.error = null;
    try {
      const begun = await ipc.beginPassingOn(asked.flatMap(messagesOf), goal.kind === 'mail' ? goal.account : goal.row.key.account);
      const passed = { ...begun, quote: verbatim(begun.quote) };
      if (epoch !== this.#epoch) return false;
      if (goal.kind === 'talk') await (goal.row.chat ? intoChat(goal.row.key, passed) : intoMails(goal.row.key, passed));
      if (epoch !== this.#epoch) return false;
      // The question gives the keys away before something else takes them.
      this.busy = null;
      this.#end();
      if (goal.kind === 'talk') mails.write(goal.row.key);
      else await newMail(goal.account, passed);
      return true;
    } catch (thrown) {
      if (epoch !== this.#epoch) return false;
      this.busy = null;
      this.error = IpcError.from(thrown);
      return false;
    }
  }
}

export const passing = new Passing();

async function newMail(account: string, passed: MailBeginning): Promise<void> {
  await mails.compose(account, true);
  if (mails.composing !== null) addToMail(mails.composing, passed, passed.subject);
}

function intoChat(key: ConversationKey, { quote, files }: MailBeginning): void {
  const written = drafts.chat(key);
  const edited = editing.of(key);
  // What somebody has typed into a message that is being changed is kept nowhere else.
  if (edited && edited.text === edited.begun) editing.leave(key);
  drafts.changeChat(key, { text: followed(written.text, quote), files: joined(written.files, files) });
}

/** What is being written goes on, to whom it was for; otherwise an answer to the last mail begins. */
async function intoMails(key: ConversationKey, passed: MailBeginning): Promise<void> {
  const name = idOf(key);
  if (drafts.written(name)) mails.folded.delete(name);
  else {
    const last = (await ipc.messages(key, null, 1)).rows.at(-1);
    if (!last) throw new IpcError({ code: 'not_found', detail: '' });
    await mails.begin(key, last.key, 'reply');
  }
  addToMail(name, passed);
}

function addToMail(name: string, { quote, files }: MailBeginning, subject?: string): void {
  const mail = drafts.mail(name);
  if (mail) drafts.changeMail(name, { text: followed(mail.text, quote), files: joined(mail.files, files), ...(subject ? { subject } : {}) });
}

/** Mailboxes whose name or address holds what was typed, as goals. */
export function mailGoals(typed: string): Goal[] {
  const wanted = typed.trim().toLowerCase();
  return session.accounts
    .filter((account) => account.mailbox !== null && `${account.name}\n${account.address}`.toLowerCase().includes(wanted))
    .map(({ id }) => ({ kind: 'mail', account: id }));
}

/** Other conversations that can be written in from here, each once, in their order; not those from which something is just being sent. */
export function talkGoals(rows: readonly ConversationRow[], except: string | undefined): Goal[] {
  const seen = new Set<string>();
  return rows.flatMap((row) => {
    const id = idOf(row.key);
    if (seen.has(id) || row.key.id === except || row.chat?.writable === false || session.account(row.key.account) === undefined || mails.busy.has(id)) return [];
    seen.add(id);
    return [{ kind: 'talk', row }];
  });
}
