import { SvelteMap } from 'svelte/reactivity';

/** What is answered, as the composer shows it. */
export interface Answered {
  message: string;
  author: string;
  text: string;
}

/** What was typed in a conversation and not sent yet. */
export interface Draft {
  text: string;
  answered: Answered | null;
}

const empty: Draft = { text: '', answered: null };
const drafts = new SvelteMap<string, Draft>();

/** The draft of a conversation; it is kept while the window lives. */
export const draftOf = (conversation: string): Draft => drafts.get(conversation) ?? empty;

/** Changes a draft; an empty one is forgotten. */
export function draft(conversation: string, change: Partial<Draft>): void {
  const next = { ...draftOf(conversation), ...change };
  if (next.text === '' && next.answered === null) drafts.delete(conversation);
  else drafts.set(conversation, next);
}

const KEY = 'skrynka.enterSends';

/** Whether Enter alone sends; Ctrl+Enter always does. Kept by the window itself. */
class Sending {
  enter = $state(read());

  choose(enter: boolean): void {
    this.enter = enter;
    try {
      localStorage.setItem(KEY, enter ? '1' : '0');
    } catch {
      // Without storage the choice lives as long as the window.
    }
  }
}

function read(): boolean {
  try {
    return localStorage.getItem(KEY) === '1';
  } catch {
    return false;
  }
}

export const sending = new Sending();
