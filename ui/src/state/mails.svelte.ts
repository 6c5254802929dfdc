import { SvelteSet } from 'svelte/reactivity';

import { f, t } from '../i18n/index.svelte';
import { type ConversationKey, type EntityView, IpcError, type MailDraftForm, type MessageKey, type OutgoingView, type PersonView, ipc } from '../ipc/client';
import { clock } from './clock.svelte';
import { type MailDraft, type MailFields, type MailKind, drafts, fingerprint } from './drafts.svelte';
import { formatted, marked } from './formatting';
import { inbox } from './inbox.svelte';
import { type Remedy, tell } from './notice.svelte';
import { idOf } from './ordering';
import { outbox } from './outbox.svelte';
import { isPicture, picturesIn, placesOf } from './pictures';
import { go, place } from './route.svelte';
import { session } from './session.svelte';
import { helpFor } from './help.svelte';
import { errorTitle } from './words';

/** How long a mail that goes out later can be taken back from the notice, in milliseconds. */
const SCHEDULED_SHOWN = 10_000;

/** The mail as it goes out. One that is passed on is quoted in its text: it answers nobody. */
export function formOf(mail: MailDraft, sendAt: string | null = null): MailDraftForm {
  const { to, cc, bcc, subject, files } = mail;
  const forward = mail.kind === 'forward';
  // A quote holds no marks of ours, and the program counts a line break as one sign.
  const typed = mail.text.replace(/\r\n/g, '\n');
  const kept = files.filter((file) => isPicture(file.mime)).flatMap((file) => placesOf(typed, file.name));
  const own = formatted(typed, { spoilers: false, kept });
  const text = forward && mail.quotes && mail.quote !== '' ? `${own.text.trimEnd()}\n\n${mail.quote}` : own.text;
  return { to, cc, bcc, subject, text, entities: own.entities, answers: forward ? null : mail.message, quotes: !forward && mail.quotes && mail.message !== null, files, pictures: picturesIn(own.text, files), sendAt };
}

/** Which conversation a mail goes out in; one that is passed on begins its own. */
export const targetOf = (name: string): string | null => (drafts.mail(name)?.kind === 'forward' ? null : (drafts.conversationOf(name)?.id ?? null));

const below = (signature: string): string => (signature.trim() === '' ? '' : `\n\n${signature.trim()}`);

/** What went out from another window or another run: its quote stands in its text, and it answers the thread's last mail. */
async function mailOf({ account, conversation, mail, text: sent, entities, files }: OutgoingView): Promise<MailDraft> {
  const text = marked({ text: sent, entities })?.text ?? sent;
  const page = conversation === null ? null : await ipc.messages({ account, id: conversation }, null, 1).catch(() => null);
  return { to: mail?.to ?? [], cc: mail?.cc ?? [], bcc: mail?.bcc ?? [], subject: mail?.subject ?? '', text, files, kind: conversation === null ? 'new' : 'reply', message: page?.rows.at(-1)?.key.id ?? null, quote: '', quotes: false, begun: '' };
}

interface Sent {
  conversation: ConversationKey | null;
  mail: MailDraft;
}

/** Writing mails: what is begun, sent, and taken back. */
class Mails {
  /** The new mail whose window is open. */
  composing = $state<string | null>(null);
  /** The draft, of a mail or a chat, whose text is to get the keys. */
  wanted = $state<string | null>(null);
  /** Drafts that were folded by hand. */
  readonly folded = new SvelteSet<string>();
  /** Drafts that are being sent: whoever goes away and comes back does not send one twice. */
  readonly busy = new SvelteSet<string>();
  /** What was sent from this window, whole: what goes out holds its quote within the text. */
  #sent = new Map<string, Sent>();

  /** Begins an answer, or a mail that passes another one on. What was typed here before stays. */
  async begin(conversation: ConversationKey, message: MessageKey, kind: Exclude<MailKind, 'new'>): Promise<void> {
    const name = idOf(conversation);
    const present = drafts.mail(name);
    this.folded.delete(name);
    if (present && drafts.written(name) && present.kind === kind && present.message === message.id) {
      this.wanted = name;
      return;
    }
    const [beginning, letterhead] = await Promise.all([kind === 'forward' ? ipc.beginForward(message) : ipc.beginAnswer(message, kind === 'all'), ipc.letterhead(conversation.account).catch(() => null)]);
    const typed = drafts.written(name) ? drafts.mail(name) : null;
    const fields: MailFields = { to: beginning.to, cc: beginning.cc, bcc: [], subject: beginning.subject, text: below(letterhead?.signature ?? ''), files: beginning.files };
    const begun = fingerprint(fields);
    const files = typed ? [...fields.files, ...typed.files.filter((file) => !fields.files.some((other) => other.sha256 === file.sha256))] : fields.files;
    drafts.begin(conversation.account, conversation, { ...fields, text: typed?.text ?? fields.text, files, kind, message: message.id, quote: beginning.quote, quotes: true, begun });
    this.wanted = name;
  }

  /** Begins a new mail from the mailbox that is shown, else from the one that is being read, else from the first. */
  async composeHere(): Promise<void> {
    const boxes = session.accounts.filter((account) => account.mailbox !== null);
    const wanted = [place.view.kind === 'account' ? place.view.account : null, inbox.talk.key?.account];
    const box = wanted.map((id) => boxes.find((account) => account.id === id)).find(Boolean) ?? boxes[0];
    if (box) await this.compose(box.id);
  }

  /** Opens the window of a new mail: the one that was begun last, or an empty one. */
  async compose(account: string, fresh = false): Promise<void> {
    const begun = fresh ? undefined : drafts.news[0];
    if (begun !== undefined) {
      this.composing = this.wanted = begun;
      return;
    }
    const signature = below((await ipc.letterhead(account).catch(() => null))?.signature ?? '');
    const fields: MailFields = { to: [], cc: [], bcc: [], subject: '', text: signature, files: [] };
    this.composing = this.wanted = drafts.begin(account, null, { ...fields, kind: 'new', message: null, quote: '', quotes: false, begun: fingerprint(fields) });
  }

  /** Closes the window of a new mail; what was typed is kept. */
  leave(): void {
    const name = this.composing;
    this.composing = null;
    if (name !== null && !drafts.written(name)) drafts.remove(name);
  }

  /** A new mail goes out from another account, under its signature unless another one was typed. */
  async changeAccount(name: string, account: string): Promise<void> {
    const [was, is] = await Promise.all([drafts.accountOf(name) ?? '', account].map((id) => ipc.letterhead(id).catch(() => null)));
    const mail = drafts.mail(name);
    if (!mail) return;
    const old = below(was?.signature ?? '');
    const own = old !== '' && mail.text.endsWith(old) ? mail.text.slice(0, -old.length) : mail.text;
    const text = own === mail.text && old !== '' ? mail.text : own + below(is?.signature ?? '');
    const untouched = !drafts.written(name);
    drafts.changeMail(name, { text, ...(untouched ? { begun: fingerprint({ ...mail, text }) } : {}) });
    drafts.moveMail(name, account);
  }

  /** Puts a draft on its way. It stays as it is when that fails. */
  async send(name: string, sendAt: string | null): Promise<void> {
    const mail = drafts.mail(name);
    const account = drafts.accountOf(name);
    if (!mail || account === null) return;
    const conversation = drafts.conversationOf(name);
    if (name === inbox.openId) inbox.readNow();
    await drafts.flush();
    const id = await ipc.sendMail(account, targetOf(name), formOf(mail, sendAt), drafts.keyOf(name));
    this.#sent.set(id, { conversation, mail });
    drafts.ended(name);
    if (this.composing === name) this.composing = null;
    if (conversation !== null && inbox.openId === idOf(conversation)) void inbox.talk.retry();
    outbox.refresh();
    this.#tellSent(account, id, sendAt);
  }

  /** How stretches of what goes out are shown: of a mail, whoever sent it from here knows. */
  entitiesOf({ id, mail, entities }: OutgoingView): readonly EntityView[] {
    const sent = this.#sent.get(id);
    return mail !== null && sent ? formOf(sent.mail).entities : entities;
  }

  #tellSent(account: string, id: string, sendAt: string | null): void {
    const seconds = session.preferences.undoSeconds;
    const remedy: Remedy = { label: t('mail.undo'), testid: 'mail-undo', run: () => void this.#undo(account, id) };
    if (sendAt !== null) tell({ tone: 'ok', text: t('mail.scheduled', { time: f.coming(new Date(sendAt), clock.now) }), remedy }, SCHEDULED_SHOWN);
    else if (seconds > 0) tell({ tone: 'ok', text: t('mail.sendingIn', { n: seconds }), until: clock.exact() + seconds * 1000, counting: (left) => t('mail.sendingIn', { n: left }), remedy }, seconds * 1000);
    else tell({ tone: 'ok', text: t('mail.sending') }, 3000);
  }

  async #undo(account: string, id: string): Promise<void> {
    const sent = this.#sent.get(id);
    if (!sent) return;
    try {
      await ipc.discardText(account, id);
    } catch (thrown) {
      const error = IpcError.from(thrown);
      tell({ tone: 'danger', text: t('mail.undoFailed'), detail: error.detail || errorTitle(error.code), help: helpFor(error.code) });
      return;
    }
    this.#restore(account, sent.conversation, sent.mail);
  }

  /** Takes what was not sent back to where it can be written on; fails where it may have been sent. */
  async takeBack(view: OutgoingView): Promise<void> {
    const { account, conversation } = view;
    const key = conversation === null ? null : { account, id: conversation };
    const sent = this.#sent.get(view.id);
    const known = sent?.mail ?? (await mailOf(view));
    await ipc.discardText(account, view.id);
    outbox.refresh();
    if (view.mail === null && key !== null) {
      drafts.takeBack(key, view);
      this.#open(key);
    } else if (view.mail !== null) {
      // Whoever has it already does not get it twice.
      const refused = new Set(view.mail.refused.map((one) => one.address.toLowerCase()));
      const left = (people: PersonView[]) => (view.mail?.partlySent ? people.filter((one) => refused.has(one.address.toLowerCase())) : people);
      this.#restore(account, sent?.conversation ?? key, { ...known, to: left(known.to), cc: left(known.cc), bcc: left(known.bcc) });
    }
  }

  #restore(account: string, conversation: ConversationKey | null, mail: MailDraft): void {
    const present = conversation === null ? null : drafts.mail(idOf(conversation));
    const typed = present && conversation && drafts.written(idOf(conversation)) ? present : null;
    const text = typed ? `${mail.text.trimEnd()}\n\n${typed.text}` : mail.text;
    const files = typed ? [...mail.files, ...typed.files.filter((file) => !mail.files.some((other) => other.sha256 === file.sha256))] : mail.files;
    const name = drafts.begin(account, conversation, { ...mail, text, files, begun: '' });
    this.folded.delete(name);
    if (conversation === null) this.composing = name;
    else this.#open(conversation);
    this.wanted = name;
  }

  /** Opens a conversation, the keys in what is written there. */
  write(conversation: ConversationKey): void {
    this.wanted = inbox.active = idOf(conversation);
    this.#open(conversation);
  }

  #open(conversation: ConversationKey): void {
    go({ screen: 'inbox', talk: true });
    if (inbox.openId !== idOf(conversation)) inbox.open(conversation);
    else void inbox.talk.retry();
  }

  /** Removes a draft; for a moment it can be had back. */
  discard(name: string): void {
    const mail = drafts.mail(name);
    const account = drafts.accountOf(name);
    const conversation = drafts.conversationOf(name);
    if (!mail || account === null) return;
    const written = drafts.written(name);
    drafts.remove(name);
    if (this.composing === name) this.composing = null;
    if (written) tell({ tone: 'ok', text: t('mail.discarded'), remedy: { label: t('mail.undo'), testid: 'draft-undo', run: () => this.#restore(account, conversation, mail) } });
  }
}

export const mails = new Mails();
