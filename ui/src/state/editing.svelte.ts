import { SvelteMap } from 'svelte/reactivity';

import type { ConversationKey, EntityView, MessageView } from '../ipc/client';
import { marked } from './formatting';
import { idOf } from './ordering';

/** A chat message of ours that is being changed. */
export interface Editing {
  message: MessageView;
  text: string;
  /** The text as it was at first, with its marks. */
  begun: string;
  /** Whether marks in it are read: not where the message itself could not be written with them. */
  marks: boolean;
  /** What no mark stands for. */
  rest: EntityView[];
}

/** What is changed in each chat; the draft there waits meanwhile. */
class EditingNow {
  #open = new SvelteMap<string, Editing>();

  of(conversation: ConversationKey): Editing | null {
    return this.#open.get(idOf(conversation)) ?? null;
  }

  begin(conversation: ConversationKey, message: MessageView): void {
    const entities = message.chat?.entities ?? [];
    const begun = marked({ text: message.text, entities });
    const text = begun?.text ?? message.text;
    this.#open.set(idOf(conversation), { message, text, begun: text, marks: begun !== null, rest: begun?.rest ?? entities });
  }

  write(conversation: ConversationKey, text: string): void {
    const open = this.of(conversation);
    if (open) this.#open.set(idOf(conversation), { ...open, text });
  }

  leave(conversation: ConversationKey): void {
    this.#open.delete(idOf(conversation));
  }
}

export const editing = new EditingNow();
