import type { ContactLinkView, ConversationKey, ForgetPreviewView, ForgetProgress, FoundPersonView, HandleView, PersonDetails, PersonFile, RemovedPerson, Template } from '../bindings';
import { NOON, iso } from './accounts';
import { type World, fail } from './backend';
import type { Talk } from './bureau';

const DAY = 86_400_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const SHOWN = 50;

interface Contact {
  id: string;
  name: string;
  since: number;
  handles: HandleView[];
  network: 'email' | 'telegram';
}

const phones: Record<string, string> = { t0: '+380000000042' };

export const begunTemplates: Template[] = [
  { id: '11111111-1111-4111-8111-111111111111', name: 'Вітання', shortcut: 'вітаю', body: 'Добрий день, {name}!\nДякуємо за звернення до «{account}».\n{manager}' },
  { id: '22222222-2222-4222-8222-222222222222', name: 'Ціна за сторінку', shortcut: 'ціна', body: 'Сторінка перекладу ({language}) коштує 300 грн за 1 800 знаків із пропусками.' },
  { id: '33333333-3333-4333-8333-333333333333', name: 'Як до нас дійти', shortcut: null, body: 'Ми на вулиці Прикладній, 1, вхід із двору, другий поверх.' },
];

/** Who somebody is, and templates, over the invented bureau. */
export function peopleCommands(world: World) {
  const { bureau } = world;
  const sameAs = new Map<string, string>();

  /** One contact for each address and for each private chat. */
  function contactOf({ row, person }: Talk): Contact | null {
    if (row.chat && row.chat.kind !== 'private' && row.chat.kind !== 'bot') return null;
    const id = row.chat ? `p-${row.key.id}` : `p-${person.address}`;
    const handle = (kind: HandleView['kind'], value: string): HandleView => ({ kind, value, contact: id, linked: false });
    const phone = phones[row.key.id];
    const named = [...(phone ? [handle('phone', phone)] : []), ...(row.chat?.username ? [handle('telegram_username', row.chat.username)] : [])];
    const handles = row.chat ? (named.length > 0 ? named : [handle('telegram', '50')]) : [handle('email', person.address)];
    return { id, name: row.name, since: row.key.id === 't0' ? Date.parse('2024-03-11T09:00:00Z') : NOON - (60 + ((row.name.length * 97) % 900)) * DAY, handles, network: row.chat ? 'telegram' : 'email' };
  }

  function contacts(): Map<string, Contact> {
    const found = new Map<string, Contact>();
    for (const talk of bureau.talks.values()) {
      const contact = contactOf(talk);
      if (contact && !found.has(contact.id)) found.set(contact.id, contact);
    }
    return found;
  }

  const rootOf = (id: string) => sameAs.get(id) ?? id;
  const found = ({ id, name, handles }: Contact): FoundPersonView => ({ contact: id, name, handles });
  const linksOf = (ids: string[]): ContactLinkView[] => ids.map((contact) => ({ contact, sameAs: sameAs.get(contact) ?? null }));

  function put({ contact, sameAs: other }: ContactLinkView): void {
    if (other === null) sameAs.delete(contact);
    else sameAs.set(contact, other);
  }

  function talksOf(contact: string): { same: Contact[]; talks: Talk[] } {
    const same = [...contacts().values()].filter((one) => rootOf(one.id) === rootOf(contact));
    if (same.length === 0) fail('not_found');
    const ids = new Set(same.map((one) => one.id));
    return { same, talks: [...bureau.talks.values()].filter((talk) => ids.has(contactOf(talk)?.id ?? '')) };
  }

  function filesOf(talks: Talk[]): PersonFile[] {
    return talks
      .flatMap((talk) => bureau.messages(talk.row.key.id).flatMap((message) => message.files.map((file) => ({ file, message: message.key, conversation: talk.row.key, ours: message.ours, at: message.receivedAt }))))
      .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
      .slice(0, SHOWN);
  }

  /** What came over from the old CRM of everybody, where `?adopted` asks for it. */
  const adoptedOf = (): Pick<PersonDetails, 'cards' | 'notes'> =>
    new URLSearchParams(location.search).has('adopted')
      ? {
          cards: ['https://crm.example.org/clients/1204'],
          notes: [
            { id: 'n1', author: 'Марко Дуб', text: 'Платить одразу, просить рахунок польською.', at: iso(NOON - 400 * 86_400_000) },
            { id: 'n2', author: 'Софія Лозова', text: 'Апостиль робили у Львові,\nдокументи забирає чоловік.', at: iso(NOON - 90 * 86_400_000) },
          ],
        }
      : { cards: [], notes: [] };

  const written = (peer: string) => [...bureau.talks.values()].flatMap((talk) => (talk.chat?.messages ?? []).filter((message) => message.chat?.author?.peer === peer));

  function authorPreview(peer: string): ForgetPreviewView {
    const theirs = written(peer);
    const first = theirs[0] ?? fail('not_found');
    const files = theirs.reduce((sum, { files }) => sum + files.length, 0);
    return { name: first.authorName, handles: [{ kind: 'telegram', value: peer.slice(5) }], conversations: 0, messages: 0, blanked: theirs.length, files, unsent: 0, notes: 0, kept: 0, own: false };
  }

  /** Those of whom only what they wrote among others is kept. */
  async function forgetAuthor(peer: string, progress: (reached: ForgetProgress) => void) {
    const theirs = written(peer);
    progress({ done: 0, total: theirs.length });
    await pause(150);
    for (const message of theirs) {
      Object.assign(message, { authorName: '', text: '', files: [], removed: true });
      if (message.chat) Object.assign(message.chat, { author: null, media: null, reply: null, forward: null, service: null, entities: [], reactions: [], versions: 0 });
    }
    const gone = new Set(theirs.map(({ key }) => key.id));
    const talks = [...bureau.talks.values()].filter((talk) => talk.chat?.messages.some((message) => theirs.includes(message)));
    for (const { chat } of talks.flatMap((talk) => talk.chat?.messages ?? [])) {
      if (chat?.reply && gone.has(chat.reply.message ?? '')) Object.assign(chat.reply, { author: '', text: '' });
    }
    world.tell({ conversations: talks.map((talk) => talk.row.key), merged: [], messages: theirs.map(({ key }) => key), newMessages: 0, overflowed: false, countsChanged: false });
    return { removed: theirs.length, later: false };
  }

  return {
    person: async (key: ConversationKey): Promise<PersonDetails> => {
      const talk = bureau.talks.get(key.id) ?? fail('not_found');
      const own = contactOf(talk);
      if (!own) return { contact: null, since: null, handles: [], conversations: [], files: filesOf([talk]), likely: [], cards: [], notes: [] };
      const everybody = [...contacts().values()];
      const same = everybody.filter((contact) => rootOf(contact.id) === rootOf(own.id)).sort((a, b) => Number(a.id !== own.id) - Number(b.id !== own.id));
      const ids = new Set(same.map((contact) => contact.id));
      const others = [...bureau.talks.values()].filter((other) => other !== talk && ids.has(contactOf(other)?.id ?? '')).sort((a, b) => (a.row.lastAt < b.row.lastAt ? 1 : -1)).slice(0, SHOWN);
      const likely = own.name.includes(' ') ? everybody.filter((contact) => !ids.has(contact.id) && contact.network !== own.network && contact.name.toLowerCase() === own.name.toLowerCase()) : [];
      return {
        contact: own.id,
        since: iso(Math.min(...same.map((contact) => contact.since))),
        handles: same.flatMap((contact) => contact.handles.map((handle) => ({ ...handle, linked: contact.id !== own.id }))),
        conversations: others.map((other) => other.row),
        files: filesOf([talk, ...others]),
        likely: likely.slice(0, 3).map(found),
        ...adoptedOf(),
      };
    },
    findPeople: async (text: string, except: string): Promise<FoundPersonView[]> => {
      const wanted = text.trim().replace(/^@+/, '').toLowerCase();
      if (wanted === '') return [];
      const holds = (value: string) => value.toLowerCase().includes(wanted);
      return [...contacts().values()]
        .filter((contact) => rootOf(contact.id) !== rootOf(except) && (holds(contact.name) || contact.handles.some((handle) => handle.kind !== 'telegram' && holds(handle.value))))
        .sort((a, b) => Number(!a.name.toLowerCase().startsWith(wanted)) - Number(!b.name.toLowerCase().startsWith(wanted)))
        .slice(0, 20)
        .map(found);
    },
    linkPeople: async (one: string, other: string): Promise<ContactLinkView[]> => {
      const [kept, gone] = [rootOf(one), rootOf(other)];
      if (kept === gone) fail('not_found', 'another person');
      const before = linksOf([...contacts().keys()].filter((id) => rootOf(id) === gone));
      for (const { contact } of before) sameAs.set(contact, kept);
      return before;
    },
    unlinkPerson: async (contact: string): Promise<ContactLinkView[]> => {
      const others = [...sameAs].filter(([, root]) => root === contact).map(([id]) => id);
      const before = linksOf([contact, ...others]);
      const [root, ...rest] = others;
      if (root !== undefined) {
        sameAs.delete(root);
        for (const id of rest) sameAs.set(id, root);
      }
      sameAs.delete(contact);
      return before;
    },
    restoreLinks: async (links: ContactLinkView[]) => {
      links.forEach(put);
      return null;
    },
    forgetPreview: async (person: RemovedPerson): Promise<ForgetPreviewView> => {
      if (person.kind === 'author') return authorPreview(person.peer);
      const { contact } = person;
      const { same, talks } = talksOf(contact);
      const messages = talks.flatMap((talk) => bureau.messages(talk.row.key.id));
      return {
        name: same.find((one) => one.name !== '')?.name ?? '', handles: same.flatMap((one) => one.handles), conversations: talks.length, messages: messages.length, blanked: 3,
        files: messages.reduce((sum, message) => sum + message.files.length, 0), unsent: 0, notes: 1, kept: 2, own: false,
      };
    },
    forgetPerson: async (person: RemovedPerson, progress: (reached: ForgetProgress) => void) => {
      if (person.kind === 'author') return forgetAuthor(person.peer, progress);
      const { talks } = talksOf(person.contact);
      const total = talks.reduce((sum, talk) => sum + talk.row.messages, 0);
      let done = 0;
      for (const { row } of talks) {
        progress({ done, total });
        await pause(150);
        bureau.talks.delete(row.key.id);
        done += row.messages;
      }
      bureau.count();
      world.tell({ conversations: [], merged: talks.map((talk) => talk.row.key), messages: [], newMessages: 0, overflowed: false, countsChanged: true });
      return { removed: done, later: false };
    },
    templates: async () => [...world.templates].sort((a, b) => a.name.localeCompare(b.name)),
    saveTemplate: async (template: Template) => {
      const name = template.name.trim();
      const shortcut = template.shortcut?.trim().toLowerCase() || null;
      if (name === '' || [...name].length > 100) fail('invalid_input', 'name');
      if (shortcut !== null && !/^[\p{Alphabetic}\p{N}_-]{1,32}$/u.test(shortcut)) fail('invalid_input', 'shortcut');
      if (template.body.trim() === '' || [...template.body].length > 10_000) fail('invalid_input', 'body');
      if (shortcut !== null && world.templates.some((other) => other.id !== template.id && other.shortcut === shortcut)) fail('already_exists');
      world.templates = [...world.templates.filter((other) => other.id !== template.id), { ...template, name, shortcut }];
      return null;
    },
    removeTemplate: async (id: string) => {
      world.templates = world.templates.filter((other) => other.id !== id);
      return null;
    },
  };
}
