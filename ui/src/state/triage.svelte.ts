import { type Key, t } from '../i18n/index.svelte';
import { type ConversationRow, IpcError, type Triage, ipc } from '../ipc/client';
import { inbox } from './inbox.svelte';
import { announce, tell } from './notice.svelte';
import { idOf } from './ordering';
import { go } from './route.svelte';
import { session } from './session.svelte';
import { helpFor } from './help.svelte';
import { errorTitle } from './words';

/** So many conversations are marked read or unread at once: each is a command of its own. */
const AT_ONCE = 8;

/** What a menu of names is for. */
export interface Assigned {
  where: 'talk' | 'bulk';
  rows: readonly ConversationRow[];
  /** Once it is closed: whether the focus was put somewhere. */
  onclosed: () => boolean;
}

let menu = $state<'talk' | 'bulk' | null>(null);

/** Which menu of names is open. */
export const assigning = {
  get open(): 'talk' | 'bulk' | null {
    return menu;
  },
  set open(where: 'talk' | 'bulk' | null) {
    menu = where;
  },
};

/** The conversations an action is for: those that were chosen, else the row the keys are on while they are in the list, else the open one. */
export function targets(inList: boolean): ConversationRow[] {
  const { list, search, selection } = inbox;
  if (!search.active && selection.any) return list.entries.filter((entry) => selection.has(entry.id)).map((entry) => entry.row);
  const active = !inList || search.active ? undefined : list.entries[list.indexOf(inbox.active)]?.row;
  const row = active ?? inbox.row;
  return row ? [row] : [];
}

/** Says whose turn it is with conversations; settled with those that were left alone because the customer wrote meanwhile. */
export async function setTriage(rows: readonly ConversationRow[], triage: Triage): Promise<void> {
  const others = rows.filter((row) => row.triage !== triage);
  if (others.length === 0) return;
  if (triage !== 'open' && others.some((row) => idOf(row.key) === inbox.openId)) inbox.readNow();
  const left = await attempt(others, { triage }, () => ipc.setTriage(others.map(seen), triage));
  if (left === null) return;
  inbox.list.recheck(left);
  const ids = new Set(left.map(idOf));
  const changed = others.filter((row) => !ids.has(idOf(row.key)));
  const [only] = left;
  if (changed.length === 0 && only !== undefined) {
    tell({ tone: 'info', text: t('triage.overtaken', { n: left.length }), ...(left.length === 1 ? { remedy: { label: t('triage.show'), testid: 'triage-show', run: () => reveal(only) } } : {}) });
    return;
  }
  inbox.selection.clear();
  tellUndo(changed, t(`triage.said.${triage}`, { n: changed.length }), left.length === 0 ? undefined : t('triage.overtaken', { n: left.length }), async () => {
    for (const before of ['open', 'pending', 'done'] as const) {
      const part = changed.filter((row) => row.triage === before);
      if (part.length > 0) await ipc.setTriage(part.map(seen), before);
    }
  });
}

/** Puts conversations aside, or where all of them are, takes them up again. */
export const toggle = (rows: readonly ConversationRow[], aside: 'pending' | 'done'): Promise<void> => setTriage(rows, rows.every((row) => row.triage === aside) ? 'open' : aside);

/** Gives conversations to the one at this computer, or where all of them are theirs, to nobody. */
export async function toggleMine(rows: readonly ConversationRow[]): Promise<void> {
  const { me } = session.preferences;
  if (me !== null) await assign(rows, rows.every((row) => row.assignee === me) ? null : me);
  else tell({ tone: 'info', text: t('triage.whoAmI'), remedy: { label: t('nav.settings'), testid: 'triage-settings', run: () => go({ screen: 'settings', section: 'people' }) } });
}

/** Gives conversations to somebody, or to nobody. */
export async function assign(rows: readonly ConversationRow[], assignee: string | null): Promise<void> {
  const others = rows.filter((row) => row.assignee !== assignee);
  if (others.length === 0 || (await attempt(others, { assignee }, () => ipc.assign(others.map((row) => row.key), assignee).then(() => true))) === null) return;
  inbox.selection.clear();
  const n = others.length;
  const said = assignee === null ? t('triage.unassigned', { n }) : assignee === session.preferences.me ? t('triage.assignedMe', { n }) : t('triage.assigned', { n, name: assignee });
  tellUndo(others, said, undefined, async () => {
    for (const before of new Set(others.map((row) => row.assignee))) {
      await ipc.assign(others.filter((row) => row.assignee === before).map((row) => row.key), before);
    }
  });
}

/** Marks conversations read, or unread. */
export async function setRead(rows: readonly ConversationRow[], read: boolean): Promise<void> {
  const others = rows.filter((row) => row.unread > 0 === read);
  if (others.length === 0) return;
  if ((await attempt(others, {}, () => mark(others, read))) === null) return;
  inbox.selection.clear();
  tellUndo(others, t(read ? 'triage.read' : 'triage.unread', { n: others.length }), undefined, () => mark(others, !read));
}

async function mark(rows: readonly ConversationRow[], read: boolean): Promise<true> {
  const waiting = [...rows];
  const work = async () => {
    for (let row = waiting.pop(); row; row = waiting.pop()) {
      if (!read) inbox.leaveUnread(idOf(row.key));
      await (read ? ipc.markRead(row.key, null) : ipc.markUnread(row.key));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return true;
}

const seen = ({ key, lastAt, messages }: ConversationRow) => ({ key, lastAt, messages });

/** Opens a conversation that was left alone. */
function reveal(key: ConversationRow['key']): void {
  inbox.open(key, { atOnce: true });
  inbox.active = inbox.openId;
}

function tellUndo(rows: readonly ConversationRow[], text: string, detail: string | undefined, undo: () => Promise<unknown>): void {
  const run = async () => {
    if ((await attempt(rows, {}, () => undo().then(() => true))) !== null) announce(t('triage.undone'));
  };
  tell({ tone: 'ok', text, detail, remedy: { label: t('mail.undo'), testid: 'triage-undo', run: () => void run() } });
}

/**
 * What a command answers; null where it failed, which is told. The list shows at once what will be, so that the next key
 * finds it so; after a failure it is read again: of many, some may have been changed.
 */
async function attempt<T>(rows: readonly ConversationRow[], change: Partial<ConversationRow>, command: () => Promise<T>): Promise<T | null> {
  if (Object.keys(change).length > 0) inbox.list.assume(rows.map((row) => ({ ...row, ...change })));
  try {
    return await command();
  } catch (thrown) {
    const error = IpcError.from(thrown);
    inbox.list.recheck(rows.map((row) => row.key));
    const text: Key = rows.length > 1 ? 'triage.failedSome' : 'triage.failed';
    tell({ tone: 'danger', text: t(text), detail: error.detail || errorTitle(error.code), help: helpFor(error.code) });
    return null;
  }
}
