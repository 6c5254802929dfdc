import type { EntityView, MessageView } from '../../../ipc/client';
import type { Editing } from '../../../state/editing.svelte';
import { type Formatted, outgoing } from '../../../state/formatting';

/** Whether a message can be deleted for everybody. */
export const isOwn = (message: MessageView): boolean => message.ours && message.goneAt === null && message.chat !== null && message.chat.service === null;

/** Whether the text of a message can be changed: all of it is here, and Telegram lets it. */
export function isEditable(message: MessageView): boolean {
  const { chat } = message;
  if (!isOwn(message) || message.textCut || message.unreadable !== null || chat === null || chat.forward !== null) return false;
  if (chat.media !== null && chat.media.kind !== 'web_page') return false;
  return !message.files.some((file) => file.media?.kind === 'sticker' || file.media?.kind === 'video_note');
}

/** Whether a change from here would take something away: who is named without a name of their own, and special emoji, cannot be sent. */
export const losesByChange = (message: MessageView): boolean => message.chat?.entities.some(({ kind }) => kind === 'mention_name' || kind === 'custom_emoji') ?? false;

/** What a message is changed to, with what no mark stands for around the same words; null where it stays as it is. */
export function changedText({ message, text, begun, marks, rest }: Editing): Formatted | null {
  if (text.trim() === begun.trim()) return null;
  const is = marks ? outgoing(text) : { text: text.trim(), entities: [] };
  return { text: is.text, entities: [...is.entities, ...carried(rest, message.text, is.text)] };
}

/** The entities of a text that was changed in one stretch: those before, after and around it. */
export function carried(entities: readonly EntityView[], was: string, is: string): EntityView[] {
  const most = Math.min(was.length, is.length);
  let start = 0;
  while (start < most && was[start] === is[start]) start++;
  let same = 0;
  while (same < most - start && was.at(-1 - same) === is.at(-1 - same)) same++;
  const end = was.length - same;
  const grown = is.length - was.length;
  return entities.flatMap((entity) => {
    const to = entity.offset + entity.length;
    if (to <= start) return [entity];
    if (entity.offset >= end) return [{ ...entity, offset: entity.offset + grown }];
    return entity.offset <= start && to >= end && entity.length + grown > 0 ? [{ ...entity, length: entity.length + grown }] : [];
  });
}
