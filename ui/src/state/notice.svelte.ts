import type { HelpLink } from '../components/help';

/** What can be done about something that was told, by button and by key. */
export interface Remedy {
  label: string;
  testid: string;
  run: () => void;
}

/** A short word at the foot of the window about something that is not to be seen elsewhere. */
export interface Notice {
  tone: 'ok' | 'info' | 'danger';
  text: string;
  detail?: string | undefined;
  /** It goes at this moment, in Unix milliseconds, and until then says how many seconds are left. */
  until?: number;
  counting?: (seconds: number) => string;
  remedy?: Remedy;
  /** Leads to what explains it. */
  help?: HelpLink | undefined;
}

const SHOWN = 8000;
let notice = $state.raw<Notice | null>(null);
let said = $state.raw<{ text: string } | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

export const notices = {
  get current(): Notice | null {
    return notice;
  },
  /** What was last to be spoken, whatever is seen of it. */
  get said(): { text: string } | null {
    return said;
  },
};

/** Shows a notice in the place of the one before, for so many milliseconds. */
export function tell(given: Notice, shown = SHOWN): void {
  clearTimeout(timer);
  notice = given;
  timer = setTimeout(dismiss, shown);
}

export function dismiss(): void {
  clearTimeout(timer);
  notice = null;
}

/** Has a word spoken to somebody who does not see it. */
export function announce(text: string): void {
  said = { text };
}
