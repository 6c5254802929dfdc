import type { AttachedFile, ConversationKey, DraftView, FileView, LetterheadForm, MailBeginning, MailDraftForm, MessageKey, MessageView, OutgoingView, OverlookedView, PersonView, TextForm } from '../bindings';
import { iso } from './accounts';
import { type World, fail } from './backend';
import type { chatCommands } from './chatCommands';
import { sound } from './pictures';

/** Bytes of a mail that the invented server takes. */
const TAKES = 10_000_000;
const sizeOf = (form: MailDraftForm) => form.files.reduce((sum, file) => sum + file.size, 0);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Drafts outlive a reload, as they do in the database. */
const SHELF = 'bureau.drafts';
const shelf = (): DraftView[] => JSON.parse(sessionStorage.getItem(SHELF) ?? '[]') as DraftView[];
const keep = (views: DraftView[]): null => {
  sessionStorage.setItem(SHELF, JSON.stringify(views));
  return null;
};

interface Taken {
  account: string;
  name: string;
  size: number;
  pieces: string[];
}

/** What the program knows of a file by the end of its name. */
const types: Record<string, string> = { png: 'image/png', jpg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', pdf: 'application/pdf' };
const typeOf = (name: string): string => types[name.split('.').pop()?.toLowerCase() ?? ''] ?? 'application/octet-stream';
/** What of a file is kept to be shown, in letters of base64. */
const SHOWN = 4_000_000;

/** Mails out, drafts and files, over the invented bureau. What becomes of a mail is decided by its words. */
export function mailCommands(world: World, chats: ReturnType<typeof chatCommands>) {
  const { bureau } = world;
  const letterheads = new Map<string, LetterheadForm>([['acc-kyiv', { senderName: 'Марко Дуб', signature: 'Марко Дуб\nБюро перекладів' }]]);
  const uploads = new Map<string, Taken>();
  const voices = new Map<string, string>();
  let serial = 0;

  const messageOf = (key: MessageKey): MessageView => bureau.messages(key.id.split('-')[0] ?? '').find((message) => message.key.id === key.id) ?? [...bureau.talks.keys()].flatMap((id) => (key.id.startsWith('live') ? (bureau.talks.get(id)?.live ?? []) : [])).find((message) => message.key.id === key.id) ?? fail('not_found');
  /** One message of an album has its own file; the words are the first one's. */
  function partOf(key: MessageKey): { message: MessageView; text: string; files: readonly FileView[] } {
    const album = bureau.messages(key.id.split('-')[0] ?? '').find((candidate) => candidate.chat?.album.includes(key.id));
    if (!album) return ((message) => ({ message, text: message.text, files: message.files }))(messageOf(key));
    const at = album.chat?.album.indexOf(key.id) ?? 0;
    return { message: album, text: at === 0 ? album.text : '', files: album.files.slice(at, at + 1) };
  }
  function passedOnFrom(author: string, at: string): string {
    const [, year, month, day, time] = /^(\d+)-(\d+)-(\d+)T(\d+:\d+)/.exec(at) ?? [];
    const word = { en: 'Forwarded', pl: 'Przekazane' }[world.preferences.language ?? ''] ?? 'Переслано';
    return `${word}. ${author}, ${day}.${month}.${year} ${time}:`;
  }
  const nameOf = (account: string): string => bureau.accounts.find(({ id }) => id === account)?.name ?? '';
  const own = (account: string): string => bureau.accounts.find(({ id }) => id === account)?.address ?? '';

  function changed(mail: OutgoingView): void {
    const talk = mail.conversation === null ? undefined : bureau.talks.get(mail.conversation);
    if (talk) talk.row = { ...talk.row, stuckTexts: world.outbox.filter((other) => other.conversation === mail.conversation && ['failed', 'uncertain'].includes(other.state)).length };
    world.tell({ conversations: talk ? [talk.row.key] : [], merged: [], messages: [], newMessages: 0, overflowed: false, countsChanged: true });
  }

  function enter(id: string, change: Partial<OutgoingView>): void {
    world.outbox = world.outbox.map((other) => (other.id === id ? { ...other, ...change } : other));
    const mail = world.outbox.find((other) => other.id === id);
    if (mail) changed(mail);
  }

  function leave(id: string): void {
    const mail = world.outbox.find((other) => other.id === id) ?? fail('not_found');
    world.outbox = world.outbox.filter((other) => other !== mail);
    changed(mail);
  }

  async function send(id: string, again: boolean): Promise<void> {
    const due = world.outbox.find((other) => other.id === id)?.sendAt ?? null;
    if (due !== null && !again) await pause(Math.max(0, Date.parse(due) - world.now()));
    const mail = world.outbox.find((other) => other.id === id && other.state === 'waiting');
    // Another time was set meanwhile.
    if (!mail || mail.sendAt !== due) return;
    enter(id, { state: 'sending', tries: mail.tries + 1, error: null, sendAt: null });
    await pause(200);
    const told = (word: string) => !again && mail.text.includes(word);
    const to = mail.mail?.to ?? [];
    const refused = to.slice(-1).map((person) => ({ address: person.address, reply: '550 5.1.1 <…>: Recipient address rejected: User unknown', later: false }));
    if (told('відмова')) return enter(id, { state: 'failed', error: { code: 'refused', detail: '554 5.7.1 Message rejected as spam' } });
    if (told('частково')) return enter(id, { state: 'failed', error: { code: 'refused', detail: '' }, mail: mail.mail && { ...mail.mail, refused, partlySent: true } });
    if (told('невідомо')) return enter(id, { state: 'uncertain', error: { code: 'network', detail: 'the connection broke after the final dot' } });
    if (told('згодом')) return enter(id, { state: 'waiting', againAt: iso(world.now() + 300_000), error: { code: 'limited', detail: '451 4.7.1 Greylisted, try again later' } });
    if (mail.conversation !== null) bureau.sent(mail.conversation, mail.text, mail.mail?.subject ?? '');
    leave(id);
  }

  return {
    ...chats,
    sendText: async (key: ConversationKey, form: TextForm, draft: string | null) => {
      const sent = await chats.sendText(key, form);
      keep(shelf().filter((view) => view.id !== draft));
      return sent;
    },
    sendMail: async (account: string, conversation: string | null, form: MailDraftForm, draft: string | null) => {
      if (form.to.length + form.cc.length + form.bcc.length === 0) fail('invalid_input', 'the mail names nobody to send it to');
      const { to, cc, bcc, subject, text, files } = form;
      const undo = world.preferences.undoSeconds;
      const mail: OutgoingView = {
        account, id: `mail${++serial}`, conversation, text, entities: [], reply: null, state: 'waiting', tries: 0, error: null, createdAt: iso(world.now()), sendAt: form.sendAt ?? (undo > 0 ? iso(world.now() + undo * 1000) : null), againAt: null,
        mail: { subject, to, cc, bcc, refused: [], partlySent: false }, files, forward: null,
      };
      world.mails.push(structuredClone(form));
      keep(shelf().filter((view) => view.id !== draft));
      world.outbox = [...world.outbox, mail];
      changed(mail);
      void send(mail.id, false);
      return mail.id;
    },
    checkMail: async (_account: string, conversation: string | null, form: MailDraftForm): Promise<OverlookedView[]> => {
      const met = conversation === null ? null : new Set(bureau.messages(conversation).flatMap((message) => [message.authorAddress, ...message.to.map((person) => person.address), ...message.cc.map((person) => person.address)]));
      return [
        ...(form.subject.trim() === '' ? [{ kind: 'noSubject' as const }] : []),
        ...(/вкладенн/i.test(form.text) && form.files.length === 0 ? [{ kind: 'noFile' as const }] : []),
        ...(sizeOf(form) > TAKES ? [{ kind: 'tooLarge' as const, bytes: sizeOf(form), most: TAKES }] : []),
        ...[...form.to, ...form.cc, ...form.bcc].filter((person) => met !== null && !met.has(person.address)).map((person) => ({ kind: 'newAddress' as const, address: person.address })),
      ];
    },
    beginAnswer: async (key: MessageKey, all: boolean): Promise<MailBeginning> => {
      const message = messageOf(key);
      const author: PersonView = { name: message.authorName, address: message.authorAddress };
      const others = [...message.to, ...message.cc].filter((person) => person.address !== own(key.account) && person.address !== author.address);
      return { to: message.ours ? message.to : [author], cc: all ? others : [], subject: `Re: ${message.subject}`, quote: `${message.authorName}:\n${message.text.split('\n').map((line) => `> ${line}`).join('\n')}`, files: [] };
    },
    beginForward: async (key: MessageKey): Promise<MailBeginning> => {
      const message = messageOf(key);
      return { to: [], cc: [], subject: `Fwd: ${message.subject}`, quote: `---------- Переслано ----------\n${message.authorName} <${message.authorAddress}>\n\n${message.text}`, files: message.files.map((file) => ({ sha256: file.id.padEnd(64, '0'), name: file.name, mime: file.mime, size: file.size, voice: null })) };
    },
    beginPassingOn: async (messages: MessageKey[], account: string): Promise<MailBeginning> => {
      if (messages.length === 0 || messages.length > 100) fail('invalid_input', 'messages');
      if (!bureau.accounts.some(({ id }) => id === account)) fail('not_found');
      const words: string[] = [];
      const files: AttachedFile[] = [];
      let subject = '';
      for (const key of messages) {
        const { message, text, files: own } = partOf(key);
        if (subject === '' && message.subject !== '') subject = `Fwd: ${message.subject}`;
        const author = message.ours ? letterheads.get(key.account)?.senderName || nameOf(key.account) : message.authorName || message.authorAddress;
        words.push(`${passedOnFrom(author, message.sentAt ?? message.receivedAt)}\n${text.trim()}`);
        for (const file of own) {
          if (file.media && file.media.url === null && !(await chats.fetchFile(key.account, file.id, () => undefined))) fail('not_found');
          files.push({ sha256: file.id.padEnd(64, '0'), name: file.name, mime: file.mime, size: file.size, voice: null });
        }
      }
      return { to: [], cc: [], subject, quote: words.join('\n\n').trimEnd(), files };
    },
    passOn: async (messages: MessageKey[], to: ConversationKey, nameless: boolean): Promise<string[]> => {
      if (messages.length === 0 || messages.length > 100 || messages.some(({ account }) => account !== to.account)) fail('invalid_input', 'messages');
      return chats.passOn(messages.map((key) => partOf(key)), to, nameless);
    },
    outbox: async () => [...world.outbox, ...[...bureau.talks.values()].flatMap((talk) => talk.chat?.outgoing ?? [])],
    confirmSent: async (_account: string, id: string) => {
      const mail = world.outbox.find((other) => other.id === id);
      if (mail?.conversation) bureau.sent(mail.conversation, mail.text, mail.mail?.subject ?? '');
      leave(id);
      return null;
    },
    retryText: async (account: string, id: string) => {
      if (!world.outbox.some((other) => other.id === id)) return chats.retryText(account, id);
      enter(id, { state: 'waiting', error: null, againAt: null });
      void send(id, true);
      return null;
    },
    reschedule: async (account: string, id: string, sendAt: string | null) => {
      const mail = world.outbox.find((other) => other.id === id);
      if (!mail) return chats.reschedule(account, id, sendAt);
      if (mail.state !== 'waiting' || mail.sendAt === null) fail('not_found', 'it is being sent');
      enter(id, { sendAt: sendAt ?? iso(world.now()) });
      void send(id, false);
      return null;
    },
    discardText: async (account: string, id: string) => {
      const mail = world.outbox.find((other) => other.id === id);
      if (!mail) return chats.discardText(account, id);
      if (!['waiting', 'failed'].includes(mail.state)) fail('not_found', 'it is being sent');
      leave(id);
      return null;
    },
    recordBegin: async ({ account }: ConversationKey) => {
      uploads.set(`u${++serial}`, { account, name: 'voice.ogg', size: 0, pieces: [] });
      return `u${serial}`;
    },
    leftRecordings: async () => {
      if (!new URLSearchParams(location.search).has('left')) return [];
      // Two seconds that somebody said before the program was killed.
      const said = new Uint8Array(Int16Array.from({ length: 96_000 }, (_, at) => 8000 * Math.sin(at / 20)).buffer);
      uploads.set('left', { account: 'tg-kyiv', name: 'voice.ogg', size: said.length, pieces: [btoa(said.reduce((text, byte) => text + String.fromCharCode(byte), ''))] });
      return [{ upload: 'left', conversation: { account: 'tg-kyiv', id: 't0' } }];
    },
    attachBegin: async (account: string, name: string) => {
      uploads.set(`u${++serial}`, { account, name, size: 0, pieces: [] });
      return `u${serial}`;
    },
    attachPiece: async (upload: string, piece: string) => {
      const taken = uploads.get(upload) ?? fail('not_found');
      taken.size += atob(piece).length;
      if (taken.size < SHOWN) taken.pieces.push(piece);
      if (taken.name.includes('повільно')) await pause(400);
      return null;
    },
    attachEnd: async (upload: string): Promise<AttachedFile> => {
      const { name, size, pieces } = uploads.get(upload) ?? fail('not_found');
      uploads.delete(upload);
      const sha256 = upload.padEnd(64, '0');
      // A picture is there again after a reload, as its draft is.
      if (typeOf(name).startsWith('image/')) sessionStorage.setItem(`bureau.${sha256}`, `data:${typeOf(name)};base64,${btoa(pieces.map(atob).join(''))}`);
      return { sha256, name, mime: typeOf(name), size, voice: null };
    },
    attachVoice: async (upload: string): Promise<AttachedFile> => {
      const { name, pieces } = uploads.get(upload) ?? fail('not_found');
      uploads.delete(upload);
      const bytes = Uint8Array.from(pieces.map(atob).join(''), (letter) => letter.charCodeAt(0));
      const samples = new Int16Array(bytes.buffer);
      if (samples.length === 0) fail('file', 'the recording is empty');
      await pause(150);
      const part = (at: number) => samples.slice(Math.floor((at * samples.length) / 100), Math.floor(((at + 1) * samples.length) / 100));
      const peaks = Array.from({ length: 100 }, (_, at) => part(at).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
      const loudest = Math.max(2500, ...peaks);
      const sha256 = upload.padEnd(64, '0');
      voices.set(sha256, sound(samples, 48_000));
      const voice = { durationMs: Math.floor(samples.length / 48), waveform: peaks.map((peak) => Math.floor((peak * 31) / loudest)) };
      return { sha256, name, mime: 'audio/ogg', size: Math.floor(samples.length / 12), voice };
    },
    attachedUrl: async (_account: string, file: AttachedFile): Promise<string> => sessionStorage.getItem(`bureau.${file.sha256}`) ?? voices.get(file.sha256) ?? fail('not_found'),
    attachCancel: async (upload: string) => {
      uploads.delete(upload);
      return null;
    },
    drafts: async () => shelf(),
    saveDraft: async (account: string, id: string, conversation: ConversationKey | null, content: string) => {
      JSON.parse(content);
      const others = shelf().filter((view) => view.id !== id && (conversation === null || view.conversation !== conversation.id));
      return keep([{ account, id, conversation: conversation?.id ?? null, content, changedAt: iso(world.now()) }, ...others]);
    },
    removeDraft: async (_account: string, id: string) => keep(shelf().filter((view) => view.id !== id)),
    letterhead: async (account: string): Promise<LetterheadForm> => letterheads.get(account) ?? { senderName: '', signature: '' },
    setLetterhead: async (account: string, form: LetterheadForm) => {
      letterheads.set(account, form);
      return null;
    },
  };
}
