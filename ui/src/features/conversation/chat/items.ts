import type { MessageView } from '../../../ipc/client';

/** A line of a chat's thread. */
export type Item =
  | { kind: 'day'; key: string; at: Date }
  | { kind: 'unread'; key: string }
  | { kind: 'service'; key: string; message: MessageView }
  | { kind: 'message'; key: string; message: MessageView; first: boolean; last: boolean };

/** Messages of one author stand together when they follow each other this closely, in milliseconds. */
const CLOSE = 5 * 60_000;

const authorOf = (message: MessageView): string => `${message.ours}/${message.removed}/${message.chat?.author?.peer ?? ''}`;

function together(a: MessageView | undefined, b: MessageView | undefined): boolean {
  if (!a || !b || a.chat?.service || b.chat?.service || authorOf(a) !== authorOf(b)) return false;
  return Date.parse(b.receivedAt) - Date.parse(a.receivedAt) < CLOSE;
}

/** What a chat's thread shows: days apart, the unread line, and who writes on at whose side. */
export function items(messages: readonly MessageView[], unreadFrom: string | null): Item[] {
  const out: Item[] = [];
  let day = '';
  for (const [index, message] of messages.entries()) {
    const at = new Date(message.receivedAt);
    const today = at.toDateString();
    const newDay = today !== day;
    const unread = message.key.id === unreadFrom;
    if (newDay) out.push({ kind: 'day', key: `day ${today}`, at });
    day = today;
    if (unread) out.push({ kind: 'unread', key: 'unread' });
    const next = messages[index + 1];
    const breaks = next && (new Date(next.receivedAt).toDateString() !== today || next.key.id === unreadFrom);
    if (message.chat?.service) out.push({ kind: 'service', key: message.key.id, message });
    else out.push({ kind: 'message', key: message.key.id, message, first: newDay || unread || !together(messages[index - 1], message), last: breaks === true || !together(message, next) });
  }
  return out;
}
