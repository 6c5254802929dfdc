/** A short word at the foot of the window about something that is not to be seen elsewhere. */
export interface Notice {
  tone: 'ok' | 'danger';
  text: string;
  detail?: string | undefined;
}

const SHOWN = 8000;
let notice = $state.raw<Notice | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

export const notices = {
  get current(): Notice | null {
    return notice;
  },
};

/** Shows a notice in the place of the one before. */
export function tell(given: Notice): void {
  clearTimeout(timer);
  notice = given;
  timer = setTimeout(dismiss, SHOWN);
}

export function dismiss(): void {
  clearTimeout(timer);
  notice = null;
}
