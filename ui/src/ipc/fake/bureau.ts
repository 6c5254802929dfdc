import type { AccountView, ConversationKey, ConversationRow, FileView, MessageView, Triage } from '../bindings';
import { NOON, bureauAccounts, iso } from './accounts';
import { type Chat, chatMessage, chatRow, chats, telegramAccounts } from './chats';
import { type Person, type Tongue, answers, bodies, companies, endings, family, files, first, given, openings, subjects } from './people';
import { Random } from './random';

/** What is kept of a conversation; its messages are made when they are asked for. */
export interface Talk {
  row: ConversationRow;
  person: Person;
  seed: number;
  /** The newest messages that came in while the window was open. */
  live: MessageView[];
  unreadFrom: number;
  html: 'tender' | 'letter' | 'newsletter' | null;
  /** A chat's messages are kept, not made. */
  chat?: Chat;
}

const tongues: Tongue[] = ['uk', 'uk', 'uk', 'pl', 'en'];

/** A believable bureau in memory: ten mailboxes, a few thousand conversations in three languages. */
export class Bureau {
  readonly accounts: AccountView[];
  readonly talks = new Map<string, Talk>();
  readonly #random = new Random(2026);
  #serial = 0;

  constructor(count: number, now: () => number, telegram = false) {
    this.now = now;
    this.accounts = count === 0 ? [] : bureauAccounts();
    for (let i = 0; i < count; i++) this.#talk(i);
    if (telegram) {
      this.accounts.push(...telegramAccounts());
      for (const { account, id, chat } of chats()) {
        const person: Person = { name: chat.name, address: '', company: false, tongue: 'uk' };
        this.talks.set(id, { person, seed: 0, live: [], unreadFrom: 0, html: null, chat, row: chatRow(account, id, chat) });
      }
    }
    this.count();
  }

  readonly now: () => number;

  /** Newest first. */
  rows(): ConversationRow[] {
    // RFC 3339 in one form sorts as text, which is what keeps a burst cheap here.
    return [...this.talks.values()].map((talk) => talk.row).sort((a, b) => (a.lastAt < b.lastAt ? 1 : a.lastAt > b.lastAt ? -1 : a.key.id < b.key.id ? 1 : -1));
  }

  /** Brings each account's unread and stored counts up to date. */
  count(): void {
    for (const account of this.accounts) {
      let unread = 0;
      let stored = 0;
      for (const { row } of this.talks.values()) {
        if (row.key.account !== account.id) continue;
        unread += row.unread;
        stored += row.messages;
      }
      account.unread = unread;
      account.stored = stored;
    }
  }

  /** A mail arrives: in the conversation with this place, or from somebody new. */
  deliver(place: number | null, subject?: string): ConversationKey {
    const rows = place === null ? [] : this.rows();
    const row = place === null ? undefined : rows[place];
    const talk = row ? this.talks.get(row.key.id) : undefined;
    const target = talk ?? this.#talk(this.#serial + 50_000, true);
    const at = this.now();
    const random = new Random(this.#serial + at);
    const text = `${random.pick(openings[target.person.tongue])}\n\n${random.pick(bodies[target.person.tongue])}`;
    const message = this.#message(target, `live-${++this.#serial}`, at, false, text, false);
    if (subject !== undefined) {
      message.subject = subject;
      target.row = { ...target.row, subject };
    }
    target.live.push(message);
    target.row = { ...target.row, lastAt: iso(at), snippet: text.split('\n\n')[1] ?? text, unread: target.row.unread + 1, messages: target.row.messages + 1, lastIsOurs: false, triage: 'open' };
    this.talks.set(target.row.key.id, target);
    return target.row.key;
  }

  /** A mail of ours was sent in a conversation. */
  sent(id: string, text: string, subject: string): void {
    const talk = this.talks.get(id);
    if (!talk) return;
    const at = this.now();
    const message = this.#message(talk, `${id}-out${++this.#serial}`, at, true, text, false);
    talk.live.push({ ...message, subject });
    talk.row = { ...talk.row, lastAt: iso(at), snippet: text.slice(0, 160), messages: talk.row.messages + 1, lastIsOurs: true };
  }

  /** Somebody writes in a chat. */
  write(id: string, text: string): ConversationKey {
    const talk = this.talks.get(id);
    if (!talk?.chat) throw new Error(`no chat ${id}`);
    const { account } = talk.row.key;
    const other = talk.chat.messages.findLast((message) => !message.ours && message.chat?.author);
    const author = other?.chat?.author ? { peer: other.chat.author.peer, name: other.authorName } : null;
    talk.chat.messages.push(chatMessage(account, id, { at: this.now(), author, text, unseen: true }));
    talk.chat.triage = 'open';
    talk.row = chatRow(account, id, talk.chat);
    return talk.row.key;
  }

  /** Whose turn it is with a conversation, or who takes care of it. */
  enter(id: string, change: { triage?: Triage; assignee?: string | null }): void {
    const talk = this.talks.get(id);
    if (!talk) return;
    talk.row = { ...talk.row, ...change };
    if (talk.chat) Object.assign(talk.chat, change);
  }

  /** All messages of a conversation, oldest first. */
  messages(id: string): MessageView[] {
    const talk = this.talks.get(id);
    if (!talk) return [];
    if (talk.chat) return talk.chat.messages;
    const random = new Random(talk.seed);
    const old = talk.row.messages - talk.live.length;
    const end = talk.live[0] ? Date.parse(talk.live[0].receivedAt) - 3_600_000 : Date.parse(talk.row.lastAt);
    const out: MessageView[] = [];
    for (let i = 0; i < old; i++) {
      const fromEnd = old - 1 - i;
      const ours = fromEnd === 0 ? talk.row.lastIsOurs && talk.live.length === 0 : fromEnd % 2 === 1;
      const at = end - fromEnd * 5_400_000 - (fromEnd > 0 ? random.int(3_000_000) : 0);
      out.push(this.#old(talk, random, i, fromEnd, ours, at));
    }
    return [...out, ...talk.live];
  }

  #old(talk: Talk, random: Random, index: number, fromEnd: number, ours: boolean, at: number): MessageView {
    const tongue = talk.person.tongue;
    const text = ours ? random.pick(answers[tongue]) : `${random.pick(openings[tongue])}\n\n${random.pick(bodies[tongue])}\n\n${random.pick(endings[tongue])},\n${talk.person.name}`;
    const message = this.#message(talk, `${talk.row.key.id}-m${index}`, at, ours, text, index > 0 && fromEnd < 2 && random.chance(0.6));
    message.seen = ours || fromEnd >= talk.unreadFrom * 2;
    message.answered = !ours && fromEnd > 0;
    if (talk.row.hasFiles && fromEnd === 0) message.files = this.#files(random, talk.row.key.id, talk.html === 'tender' ? 2 : 1 + random.int(3));
    if (fromEnd === 0) {
      message.hasHtml = talk.html !== null;
      if (talk.html === 'newsletter') message.text = '';
    }
    if (talk.row.unreadable && fromEnd === 0) Object.assign(message, { text: '', hasHtml: false, unreadable: 'multipart: nesting deeper than 100 parts at byte 81 204', files: [] });
    if (fromEnd === 2 && random.chance(0.3)) message.goneAt = iso(at + 86_400_000);
    return message;
  }

  #talk(index: number, fresh = false): Talk {
    const random = this.#random;
    const person = first[index] ?? this.#person(random);
    const account = this.accounts[index < 10 ? [0, 3, 1, 0, 3, 2, 5, 2, 0, 8][index] ?? 0 : random.int(this.accounts.length)] as AccountView;
    const minutes = index < 60 ? 13 + index * 17 : 1000 + (index - 60) * 31;
    const unread = index < 3 ? [1, 2, 3][index] ?? 1 : index < 400 && random.chance(0.16) ? 1 + random.int(3) : 0;
    const html = index === 0 ? 'tender' : random.chance(0.08) ? 'newsletter' : random.chance(0.3) ? 'letter' : null;
    const talk: Talk = {
      person,
      seed: index + 7,
      live: [],
      unreadFrom: unread,
      html,
      row: {
        key: { account: account.id, id: `c${String(index).padStart(6, '0')}` },
        name: person.name,
        address: person.address,
        company: person.company,
        subject: index === 0 ? 'Тендерна документація, лот 4' : random.pick(subjects[person.tongue]),
        snippet: index === 0 ? 'Добрий день, пане Марку! Надсилаємо решту файлів до лота 4.' : random.pick(bodies[person.tongue]),
        lastIsOurs: unread === 0 && random.chance(0.55),
        lastAt: iso(NOON - minutes * 60_000),
        unread,
        messages: fresh ? 0 : index === 0 ? 4 : unread * 2 + 1 + random.int(6) + (index === 5 ? 60 : 0),
        hasFiles: index === 0 || random.chance(0.35),
        unreadable: index === 11,
        mutedUntil: index === 5 ? '9999-01-01T00:00:00Z' : null,
        triage: 'open',
        assignee: fresh ? null : index % 4 === 3 ? 'Ірина Коваль' : index % 7 === 4 ? 'Марко Дуб' : null,
        stuckTexts: 0,
        chat: null,
      },
    };
    if (talk.row.lastIsOurs && index > 20) talk.row.triage = (['done', 'pending', 'open'] as const)[index % 3] ?? 'open';
    if (talk.row.unreadable) Object.assign(talk.row, { snippet: '', lastIsOurs: false });
    this.talks.set(talk.row.key.id, talk);
    return talk;
  }

  #person(random: Random): Person {
    const tongue = random.pick(tongues);
    const company = random.chance(0.25);
    const name = company ? random.pick(companies[tongue]) : `${random.pick(given[tongue])} ${random.pick(family[tongue])}`;
    return { name, company, tongue, address: `customer${random.int(90_000)}@example.${tongue === 'pl' ? 'pl' : 'org'}` };
  }

  #message(talk: Talk, id: string, at: number, ours: boolean, text: string, quoted: boolean): MessageView {
    const account = this.accounts.find((candidate) => candidate.id === talk.row.key.account);
    const us = { name: account?.name ?? '', address: account?.address ?? '' };
    const them = { name: talk.person.name, address: talk.person.address };
    const quote = `\n\n> ${us.name}, ${us.address}:\n> ${answers[talk.person.tongue][0]}\n> \n> --\n> ${us.name}`;
    return {
      key: { account: talk.row.key.account, id },
      conversation: talk.row.key.id,
      ours,
      authorName: ours ? us.name : them.name,
      authorAddress: ours ? us.address : them.address,
      to: [ours ? them : us],
      cc: talk.html === 'tender' && !ours ? [{ name: '', address: 'kosztorys@example.org' }] : [],
      subject: talk.row.subject,
      text: quoted ? text + quote : text,
      textCut: false,
      quoteFrom: quoted ? text.length : null,
      hasHtml: false,
      sentAt: iso(at - 1500),
      receivedAt: iso(at),
      arrivedAt: iso(at + 21),
      storedAt: iso(at + 26),
      seen: ours,
      answered: false,
      goneAt: null,
      removed: false,
      unreadable: null,
      kib: 14,
      files: [],
      chat: null,
      adopted: null,
    };
  }

  #files(random: Random, id: string, count: number): FileView[] {
    return Array.from({ length: count }, (_, i) => ({ ...(id === 'c000000' ? (files[i] ?? files[0]) : random.pick(files)), id: `${id}-f${i}`, media: null }) as FileView);
  }
}
