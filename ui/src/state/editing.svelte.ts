import { SvelteMap } from 'svelte/reactivity';

import type { ConversationKey, MessageView } from '../ipc/client';
import { idOf } from './ordering';

/** A chat message of ours that is being changed. */
export interface Editing {
  message: MessageView;
  text: string;
}

/** What is changed in each chat; the draft there waits meanwhile. */
class EditingNow {
  #open = new SvelteMap<string, Editing>();

  of(conversation: ConversationKey): Editing | null {
    return this.#open.get(idOf(conversation)) ?? null;
  }

  begin(conversation: ConversationKey, message: MessageView): void {
    this.#open.set(idOf(conversation), { message, text: message.text });
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
