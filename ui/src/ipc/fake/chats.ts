import type { AccountStateView, AccountView, ChatKindName, ChatMessageView, ChatRow, ConversationRow, FileView, MediaName, MessageView, OutgoingView, TelegramForm, Triage, TroubleView } from '../bindings';
import { NOON, iso } from './accounts';
import { face, page, stamp, sticker, street, table } from './pictures';
import { Random } from './random';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A chat with everything that is stored of it, and what only Telegram still has. */
export interface Chat {
  kind: ChatKindName;
  name: string;
  username: string | null;
  messages: MessageView[];
  outgoing: OutgoingView[];
  /** Older messages that were never fetched, newest first. */
  away: number;
  triage: Triage;
  assignee: string | null;
  /** When it was begun here, where nothing was written in it yet. */
  begun?: number;
}

export const telegramForm = (name: string, color: number): TelegramForm => ({
  name, color, groups: true, channels: false, bots: false, historyDays: 30, markRead: true, fileLimitKib: 10_240, proxy: null,
});

interface Sketch {
  id: string;
  name: string;
  code: string;
  phone: string;
  state: AccountStateView;
  error?: TroubleView;
}

const why = (code: TroubleView['code'], detail: string, seconds: number): TroubleView => ({ code, detail, at: iso(NOON - seconds * 1000) });

const sketches: Sketch[] = [
  { id: 'tg-kyiv', name: 'Київ, чат', code: 'КЧ', phone: '+380000000001', state: { kind: 'live' } },
  { id: 'tg-lviv', name: 'Львів, чат', code: 'ЛЧ', phone: '+380000000003', state: { kind: 'live' } },
  { id: 'tg-dup', name: 'Присяжні, чат', code: 'ПЧ', phone: '+380000000005', state: { kind: 'needs_sign_in', why: why('session_duplicated', '406 AUTH_KEY_DUPLICATED', 3200) } },
  { id: 'tg-ban', name: 'Старий номер', code: 'СН', phone: '+380000000006', state: { kind: 'needs_sign_in', why: why('banned', '401 USER_DEACTIVATED_BAN', 90_000) } },
  { id: 'tg-frozen', name: 'Нотаріат, чат', code: 'НЧ', phone: '+380000000007', state: { kind: 'needs_sign_in', why: why('frozen', '420 FROZEN_METHOD_INVALID', 7000) } },
  { id: 'tg-flood', name: 'Реклама, чат', code: 'РЧ', phone: '+380000000008', state: { kind: 'limited', until: iso(NOON + 8_720_000), why: why('limited', '420 FLOOD_WAIT_8760', 1206) } },
  { id: 'tg-else', name: 'Warszawa, czat', code: 'WC', phone: '+48000000009', state: { kind: 'elsewhere', holder: 'skrynka listen', since: iso(NOON - 4 * HOUR) } },
];

/** Telegram accounts in every state that mailboxes do not have. */
export function telegramAccounts(): AccountView[] {
  return sketches.map((sketch, index) => {
    const trouble = 'why' in sketch.state ? sketch.state.why : null;
    const color = (index % 8) + 1;
    const settings = telegramForm(sketch.name, color);
    if (sketch.id === 'tg-lviv') settings.proxy = { host: 'proxy.example.org', port: 1080, user: 'bureau' };
    return {
      id: sketch.id, channel: 'telegram', name: sketch.name, code: sketch.code, color, address: sketch.phone, enabled: true, muted: false, state: sketch.state, stateSince: iso(NOON - 3 * HOUR),
      lastMessageAt: iso(NOON - 40_000), lastHeardAt: iso(NOON - 2000 - index * 1000), lagMs: sketch.state.kind === 'live' ? 24 : null, backlog: 0, lastError: trouble, unread: 0, stored: 0, quarantined: 0, mailbox: null,
      telegram: { phone: sketch.phone, userName: `Бюро ${sketch.code}`, username: `bureau_${index}_example`, apiId: 17_349, dc: 2, settings },
      history: Array.from({ length: 96 }, (_, i) => (i > 88 && trouble ? ('failed' as const) : ('live' as const))),
    };
  });
}

interface Author {
  peer: string;
  name: string;
}

let serial = 0;

interface Given {
  at: number;
  ours?: boolean;
  author?: Author | null;
  text?: string;
  files?: FileView[];
  chat?: Partial<ChatMessageView>;
  goneAt?: string;
  removed?: boolean;
  unseen?: boolean;
}

/** A message of a chat. */
export function chatMessage(account: string, conversation: string, given: Given): MessageView {
  const at = iso(given.at);
  const author = given.author ?? null;
  return {
    key: { account, id: `${conversation}-m${++serial}` }, conversation, ours: given.ours ?? false, authorName: author?.name ?? '', authorAddress: '', to: [], cc: [], subject: '', text: given.text ?? '', textCut: false, quoteFrom: null,
    hasHtml: false, sentAt: at, receivedAt: at, arrivedAt: iso(given.at + 18), storedAt: iso(given.at + 24), seen: !given.unseen, answered: false, goneAt: given.goneAt ?? null, removed: given.removed ?? false, unreadable: null, kib: 1, files: given.files ?? [], adopted: null,
    chat: {
      author: author && { peer: author.peer, username: null, initials: author.name.slice(0, 1) }, entities: [], media: null, reply: null, forward: null, service: null, reactions: [], editedAt: null, versions: 0, readThere: given.ours ?? false, album: [],
      ...given.chat,
    },
  };
}

/** A file of a chat; `url` only where its bytes are here. */
export function chatFile(kind: MediaName, name: string, size: number, more: Partial<NonNullable<FileView['media']>> = {}): FileView {
  const mimes: Record<MediaName, string> = { photo: 'image/jpeg', video: 'video/mp4', video_note: 'video/mp4', voice: 'audio/ogg', audio: 'audio/mpeg', animation: 'video/mp4', sticker: 'image/webp', document: 'application/pdf' };
  return { id: `cf${++serial}`, name, mime: mimes[kind], size, risky: name.endsWith('.exe'), media: { kind, width: null, height: null, durationMs: null, waveform: [], thumbnail: null, url: null, ...more } };
}

const wave = (count: number): number[] => {
  const random = new Random(count);
  return Array.from({ length: count }, (_, i) => Math.min(31, Math.round(random.next() * 18 + 13 * Math.abs(Math.sin(i / 9)))));
};

/** The row a chat shows in the list. */
export function chatRow(account: string, id: string, chat: Chat): ConversationRow {
  const word = (message?: MessageView) => {
    const kind = message?.chat?.service?.kind;
    return kind === 'call' || kind === 'missed_call' || kind === 'secret_chat' ? kind : kind && 'service';
  };
  const last = chat.messages.findLast((message) => word(message) !== 'service') ?? chat.messages.at(-1);
  const media = last?.chat?.media;
  const lastMedia = word(last) ?? (last?.files[0]?.media?.kind ?? (media && media.kind !== 'web_page' ? media.kind : null));
  const several = chat.kind !== 'private' && chat.kind !== 'bot' && chat.kind !== 'broadcast';
  // Nothing but a name came over of people, where `?unknown` asks for it.
  const known = chat.kind !== 'private' || !new URLSearchParams(location.search).has('unknown');
  const row: ChatRow = { kind: known ? chat.kind : null, username: chat.username, lastAuthor: several ? (last?.authorName ?? '') : '', lastMedia, writable: known && chat.kind !== 'broadcast', known };
  return {
    key: { account, id }, name: chat.name, address: chat.username ? `@${chat.username}` : '', company: !['private', 'bot'].includes(chat.kind), subject: '', snippet: (last?.text ?? '').slice(0, 160), lastIsOurs: (last?.ours ?? true) || ['service', 'call'].includes(word(last) ?? ''),
    lastAt: last?.receivedAt ?? iso(chat.begun ?? NOON), unread: chat.messages.filter((message) => !message.seen).length, messages: chat.messages.length, hasFiles: chat.messages.some((message) => message.files.length > 0), unreadable: false, mutedUntil: null, triage: chat.triage, assignee: chat.assignee, stuckTexts: chat.outgoing.filter((text) => text.state === 'failed' || text.state === 'uncertain').length, chat: row,
  };
}

const olena: Author = { peer: 'user:42', name: 'Олена Вербицька' };
const solomia: Author = { peer: 'user:7', name: 'Соломія' };
const ostap: Author = { peer: 'user:8', name: 'Остап Криничний' };
const iryna: Author = { peer: 'user:9', name: 'Ірина Коваль' };

const chatOf = (kind: ChatKindName, name: string, username: string | null, messages: MessageView[], away = 0): Chat => ({ kind, name, username, messages, outgoing: [], away, triage: 'open', assignee: name === 'Олена Вербицька' ? 'Ірина Коваль' : null });

/** A few chats that hold every kind of message there is. */
export function chats(): { account: string; id: string; chat: Chat }[] {
  return [
    { account: 'tg-kyiv', id: 't0', chat: chatOf('private', 'Олена Вербицька', 'verbytska_example', olenas('tg-kyiv', 't0'), 120) },
    { account: 'tg-lviv', id: 't1', chat: chatOf('supergroup', 'Група «Присяжні · черга»', 'prysiazhni_example', groups('tg-lviv', 't1')) },
    { account: 'tg-kyiv', id: 't2', chat: chatOf('private', 'Зоряна Квітень', null, kinds('tg-kyiv', 't2')) },
    { account: 'tg-lviv', id: 't3', chat: chatOf('topic', 'Група «Присяжні · черга»: терміни', null, topics('tg-lviv', 't3')) },
    { account: 'tg-kyiv', id: 't4', chat: chatOf('broadcast', 'Новини реєстру', 'reiestr_example', news('tg-kyiv', 't4')) },
    { account: 'tg-lviv', id: 't5', chat: chatOf('private', 'Мирослава Ярова', 'yarova_example', long('tg-lviv', 't5'), 90) },
    { account: 'tg-kyiv', id: 't6', chat: chatOf('private', '‮مترجم محلف‬ Карім', null, [chatMessage('tg-kyiv', 't6', { at: NOON - 26 * HOUR, author: { peer: 'user:66', name: '‮مترجم محلف‬ Карім' }, text: 'مرحبا، أحتاج إلى ترجمة عقد الزواج.' })]) },
  ];
}

function olenas(account: string, id: string): MessageView[] {
  const say = (given: Given) => chatMessage(account, id, { author: given.ours ? iryna : olena, ...given });
  const asked = say({ at: NOON - 30 * MINUTE, text: 'Добрий день! Потрібен переклад договору оренди польською, із засвідченням. Оригінал у мене на руках.' });
  const photos = [chatFile('photo', 'photo-1.jpg', 184_000, { width: 480, height: 640, thumbnail: page, url: page }), chatFile('photo', 'photo-2.jpg', 164_000, { width: 480, height: 400, thumbnail: stamp, url: stamp }), chatFile('photo', 'photo-3.jpg', 120_000, { width: 480, height: 400, thumbnail: table })];
  const album = say({ at: NOON - 3 * MINUTE, text: 'Ось фото, а нижче те саме текстом', files: photos, unseen: true });
  if (album.chat) album.chat.album = [album.key.id, `${id}-a2`, `${id}-a3`];
  return [
    say({ at: NOON - 27 * HOUR, text: 'Вітаю! Ви працюєте в суботу?' }),
    say({ at: NOON - 26.9 * HOUR, ours: true, text: 'Вітаю, так: з 10:00 до 15:00.' }),
    asked,
    say({ at: NOON - 23 * MINUTE, ours: true, text: 'Добрий день, пані Олено. Сфотографуйте, будь ласка, усі сторінки разом із печатками. Порахую обсяг і скажу термін.', chat: { editedAt: iso(NOON - 22 * MINUTE), versions: 2, reply: { message: asked.key.id, author: olena.name, text: 'Потрібен переклад договору оренди польською…' } } }),
    album,
    { ...say({ at: NOON - 2 * MINUTE, unseen: true, files: [{ ...chatFile('document', 'Договір оренди 14-К (чистовий).docx', 84_300), mime: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document' }] }) },
    say({ at: NOON - 33_000, unseen: true, files: [chatFile('voice', 'voice.ogg', 96_000, { durationMs: 42_000, waveform: wave(100) })] }),
  ];
}

function groups(account: string, id: string): MessageView[] {
  const say = (given: Given) => chatMessage(account, id, given);
  const first = say({ at: NOON - 8 * HOUR, author: ostap, text: 'Хто сьогодні бере іспанську? Там свідоцтво й апостиль, 2 стор.' });
  return [
    say({ at: NOON - 30 * HOUR, chat: { service: { kind: 'chat_created', about: 'Присяжні · черга', seconds: null } } }),
    say({ at: NOON - 29 * HOUR, chat: { service: { kind: 'members_joined', about: 'Соломія, Остап Криничний', seconds: null } } }),
    say({ at: NOON - 28 * HOUR, chat: { service: { kind: 'topic_changed', about: 'Терміни', seconds: null } } }),
    first,
    say({ at: NOON - 8 * HOUR + MINUTE, author: ostap, text: 'Термін у середу до 16:00.', chat: { entities: [{ offset: 9, length: 6, kind: 'bold', url: null, language: null }] } }),
    say({ at: NOON - 7.5 * HOUR, author: solomia, text: 'беру іспанську до вівторка', chat: { reply: { message: first.key.id, author: ostap.name, text: 'Хто сьогодні бере іспанську?' }, reactions: [{ emoji: '👍', count: 3, mine: true }, { emoji: '🔥', count: 1, mine: false }, { emoji: 'custom:5368324170671202286', count: 2, mine: false }] } }),
    say({ at: NOON - 7 * HOUR, author: solomia, chat: { media: { kind: 'poll', question: 'Коли збираємося?', answers: [{ text: 'Понеділок, 10:00', voters: 5, chosen: true }, { text: 'Вівторок, 9:30', voters: 3, chosen: false }, { text: 'Онлайн', voters: 0, chosen: false }], voters: 8, closed: false } } }),
    say({ at: NOON - 6.5 * HOUR, author: null, text: 'Від імені групи: прейскурант оновлено.', chat: { forward: { name: 'Новини реєстру', sentAt: iso(NOON - 20 * HOUR) } } }),
    say({ at: NOON - 2.4 * HOUR, author: iryna, ours: true, text: 'Дякую, записала.', chat: { readThere: false } }),
    say({ at: NOON - 2.38 * HOUR, author: solomia, text: 'беру іспанську до вівторка', unseen: true }),
  ];
}

function kinds(account: string, id: string): MessageView[] {
  const zoriana: Author = { peer: 'user:50', name: 'Зоряна Квітень' };
  const say = (given: Given) => chatMessage(account, id, { author: given.ours ? iryna : zoriana, ...given });
  const text = 'Жирний, курсив, підкреслений, закреслений, код, спойлер, @notar_example, #переклад, https://example.org/rekvizyty, договір\nlet x = 1;\nЦитата з листа';
  const at = (words: string) => text.indexOf(words);
  const entity = (words: string, kind: 'bold', url: string | null = null, language: string | null = null) => ({ offset: at(words), length: words.length, kind, url, language });
  return [
    say({ at: NOON - 5 * HOUR, text, chat: { entities: [entity('Жирний', 'bold'), entity('курсив', 'italic' as never), entity('підкреслений', 'underline' as never), entity('закреслений', 'strike' as never), entity('код', 'code' as never), entity('спойлер', 'spoiler' as never), entity('@notar_example', 'mention' as never), entity('#переклад', 'hashtag' as never), entity('https://example.org/rekvizyty', 'url' as never), entity('договір', 'text_url' as never, 'https://xn--bnk-5cd.example.net/login'), entity('let x = 1;', 'pre' as never, null, 'js'), entity('Цитата з листа', 'blockquote' as never)] } }),
    say({ at: NOON - 4.9 * HOUR, text: 'https://example.org/rekvizyty', chat: { entities: [{ offset: 0, length: 29, kind: 'url', url: null, language: null }], media: { kind: 'web_page', url: 'https://example.org/rekvizyty', site: 'example.org', title: 'Реквізити бюро', description: 'Рахунок для оплати перекладів і засвідчення.' } } }),
    say({ at: NOON - 4.8 * HOUR, files: [chatFile('sticker', '🙂.webp', 24_000, { width: 512, height: 512, thumbnail: sticker, url: sticker })] }),
    say({ at: NOON - 4.7 * HOUR, chat: { media: { kind: 'location', latitude: 50.450_01, longitude: 30.523_33, title: 'Нотаріальна контора, примірна', address: 'вул. Прикладна, 1' } } }),
    say({ at: NOON - 4.6 * HOUR, chat: { media: { kind: 'contact', name: 'Тарас Підкова', phone: '+380 00 000 00 77' } } }),
    say({ at: NOON - 4.5 * HOUR, files: [chatFile('video_note', 'note.mp4', 900_000, { width: 240, height: 240, durationMs: 12_000, thumbnail: face })] }),
    say({ at: NOON - 4.4 * HOUR, text: 'Вхід з двору', files: [chatFile('video', 'Вхід.mp4', 12_400_000, { width: 640, height: 360, durationMs: 83_000, thumbnail: street })] }),
    say({ at: NOON - 4.35 * HOUR, files: [chatFile('video', 'Фільм.exe', 100_000, { width: 640, height: 360, durationMs: 83_000, thumbnail: street })] }),
    say({ at: NOON - 4.3 * HOUR, files: [chatFile('animation', 'жест.mp4', 300_000, { width: 640, height: 360, durationMs: 3000, thumbnail: street })] }),
    say({ at: NOON - 4.2 * HOUR, files: [chatFile('audio', 'Диктування, сторінка 3.mp3', 2_400_000, { durationMs: 154_000 })] }),
    say({ at: NOON - 4.1 * HOUR, files: [chatFile('document', 'установник.exe', 2_048_000_000)] }),
    say({ at: NOON - 4 * HOUR, chat: { media: { kind: 'unsupported', what: 'messageMediaGiveaway' } } }),
    say({ at: NOON - 3.9 * HOUR, text: 'Це повідомлення вже вилучили.', goneAt: iso(NOON - 3.8 * HOUR) }),
    say({ at: NOON - 3.7 * HOUR, author: null, chat: { service: { kind: 'missed_call', about: '', seconds: null } }, unseen: true }),
    say({ at: NOON - 3.6 * HOUR, author: null, ours: true, chat: { service: { kind: 'call', about: '', seconds: 184 } } }),
    say({ at: NOON - 3.5 * HOUR, author: null, chat: { service: { kind: 'secret_chat', about: '', seconds: null } } }),
    say({ at: NOON - 3.4 * HOUR, text: 'Один знімок, вузький і високий', files: [chatFile('photo', 'photo.jpg', 184_000, { width: 480, height: 640, thumbnail: page })] }),
    say({ at: NOON - 1.5 * HOUR, text: 'Диплом і додаток, обидві сторони', unseen: true }),
  ];
}

function topics(account: string, id: string): MessageView[] {
  return [
    chatMessage(account, id, { at: NOON - 31 * HOUR, author: ostap, text: 'Тут пишемо лише терміни.' }),
    chatMessage(account, id, { at: NOON - 30.5 * HOUR, author: solomia, text: 'Свідоцтво: вівторок. Диплом: четвер.' }),
  ];
}

function news(account: string, id: string): MessageView[] {
  return [
    chatMessage(account, id, { at: NOON - 50 * HOUR, text: 'Змінено порядок проставлення апостиля.', files: [chatFile('photo', 'photo.jpg', 84_000, { width: 640, height: 360, thumbnail: street, url: street })] }),
    chatMessage(account, id, { at: NOON - 20 * HOUR, text: 'Прейскурант на засвідчення оновлено.', unseen: true, chat: { reactions: [{ emoji: '👍', count: 412, mine: false }] } }),
  ];
}

function long(account: string, id: string): MessageView[] {
  const myroslava: Author = { peer: 'user:51', name: 'Мирослава Ярова' };
  const words = ['Дякую! Чекаю на остаточну суму.', 'Так, усе правильно.', 'Чи можна забрати завтра зранку?', 'Печатки видно добре.', 'Перевірте, будь ласка, прізвище на третій сторінці: там «Ярова», а не «Ярава». Решта без змін, можна засвідчувати.'];
  return Array.from({ length: 300 }, (_, i) => {
    const ours = i % 5 === 3;
    return chatMessage(account, id, { at: NOON - 3 * HOUR - (299 - i) * 47 * MINUTE, ours, author: ours ? iryna : myroslava, text: `${words[i % words.length] ?? ''} (${i + 1})` });
  });
}

/** A page of what only Telegram has of a chat, older than everything stored. */
export function older(account: string, id: string, chat: Chat, count: number): MessageView[] {
  const oldest = Date.parse(chat.messages[0]?.receivedAt ?? iso(NOON));
  const take = Math.min(count, chat.away);
  chat.away -= take;
  return Array.from({ length: take }, (_, i) => chatMessage(account, id, { at: oldest - (take - i) * 3 * HOUR, author: { peer: 'user:51', name: chat.name }, text: `Давнє повідомлення ${chat.away + i + 1}` }));
}
