import { t } from '../i18n/index.svelte';
import { type ChatKindName, type ConversationRow, ipc } from '../ipc/client';

/** So many conversations are read at once, by whoever looks for one by its name. */
const LATEST = 50;

/** Who a conversation is with, as it stands everywhere. */
export const talkName = (row: ConversationRow): string => row.name || row.address || t('list.noName');

/** What kind of chat it is, in words. */
export const chatKindWords = (kind: ChatKindName | null): string => t(`chat.kind.${kind ?? 'unknown'}`);

/** What tells a conversation from others with the same person. */
export const talkDetail = (row: ConversationRow): string => (row.chat ? row.address || chatKindWords(row.chat.kind) : row.subject || t('list.noSubject'));

/** The conversations in which something was said last. */
export const latestTalks = async (): Promise<readonly ConversationRow[]> => (await ipc.conversations({ view: 'all', account: null, channel: null, unreadOnly: false }, null, LATEST)).rows;

/** Those among them in whose names something stands; `wanted` is in lower case. */
export const named = (rows: readonly ConversationRow[], wanted: string): ConversationRow[] => rows.filter((row) => `${row.name}\n${row.address}\n${row.subject}`.toLowerCase().includes(wanted));

/** A page of the conversations in which something was said, one for each hit, and where the next one begins. */
export async function foundTalks(text: string, after: string | null = null): Promise<{ rows: ConversationRow[]; next: string | null }> {
  const page = await ipc.search(text, null, after, LATEST);
  return { rows: page.hits.map((hit) => hit.conversation), next: page.next };
}
