import type { IconName } from '../../components/icons';
import { f, t } from '../../i18n/index.svelte';
import type { OutgoingView } from '../../ipc/client';
import { errorTitle, telegramTitle } from '../../state/words';

const UNDO_MOST = 61_000;

/** Whether somebody chose when it goes out: it waits longer than a person may take back what was just sent. */
export const isScheduled = ({ sendAt, createdAt }: OutgoingView): boolean => sendAt !== null && Date.parse(sendAt) - Date.parse(createdAt) > UNDO_MOST;

/** How what goes out stands: its icon, its tone and its words. */
export interface Standing {
  icon: IconName;
  tone: 'off' | 'danger' | 'warn' | 'info';
  words: string;
}

const title = ({ mail, error }: OutgoingView): string => (error === null ? '' : mail === null ? telegramTitle(error.code) : errorTitle(error.code));

export function standing(view: OutgoingView, now: Date): Standing {
  const { state, sendAt, againAt, error } = view;
  const later = sendAt !== null && Date.parse(sendAt) > now.getTime() ? new Date(sendAt) : null;
  switch (state) {
    case 'waiting':
      if (againAt !== null) return { icon: 'wait', tone: 'warn', words: t('mail.out.again', { time: f.coming(new Date(againAt), now), why: title(view) }) };
      if (later !== null && isScheduled(view)) return { icon: 'clock', tone: 'info', words: t('mail.scheduled', { time: f.coming(later, now) }) };
      if (later !== null) return { icon: 'clock', tone: 'off', words: t('mail.out.soon', { time: f.seconds(later) }) };
      return { icon: 'clock', tone: 'off', words: error === null ? t('chat.out.waiting') : t('chat.out.waitingWhy', { why: title(view) }) };
    case 'sending':
      return { icon: 'sync', tone: 'off', words: t('chat.out.sending') };
    case 'sent':
      return { icon: 'check', tone: 'off', words: t('chat.out.sent') };
    case 'failed':
      return { icon: 'bad', tone: 'danger', words: error === null ? t('chat.out.failed') : `${t('chat.out.failed')}. ${title(view)}` };
    case 'uncertain':
      return { icon: 'help', tone: 'warn', words: t(view.mail === null ? 'chat.out.uncertain' : 'mail.out.uncertain') };
  }
}

/** A subject without what answering and passing on put before it. */
export const bare = (subject: string): string => subject.replace(/^(?:(?:re|fwd?|відп|odp|pd)\s*:\s*)+/iu, '').trim();
