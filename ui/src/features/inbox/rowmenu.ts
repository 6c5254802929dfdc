import type { MenuItem } from '../../components/menu';
import { t } from '../../i18n/index.svelte';
import type { ConversationRow } from '../../ipc/client';
import { inbox } from '../../state/inbox.svelte';
import { isMuted } from '../../state/mute';
import { session } from '../../state/session.svelte';
import { setRead, toggle, toggleMine } from '../../state/triage.svelte';

/** What may be done with conversations from the list; sound belongs to one. */
export function rowItems(rows: readonly ConversationRow[], now: Date): readonly MenuItem[] {
  const all = (holds: (row: ConversationRow) => boolean) => rows.every(holds);
  const done = all((row) => row.triage === 'done');
  const pending = all((row) => row.triage === 'pending');
  const unread = rows.some((row) => row.unread > 0);
  const { me } = session.preferences;
  const mine = me !== null && all((row) => row.assignee === me);
  const [only] = rows.length === 1 ? rows : [];
  const muted = only !== undefined && isMuted(only.mutedUntil, now);
  return [
    { label: t(done ? 'triage.reopen' : 'triage.done'), icon: done ? 'inbox' : 'check', key: 'E', testid: 'row-done', onselect: () => void toggle(rows, 'done') },
    { label: t(pending ? 'triage.notPending' : 'triage.pending'), icon: pending ? 'inbox' : 'wait', key: 'W', testid: 'row-pending', onselect: () => void toggle(rows, 'pending') },
    { label: t(mine ? 'triage.nobody' : 'triage.take'), icon: mine ? 'nobody' : 'user', key: 'M', testid: 'row-mine', onselect: () => void toggleMine(rows) },
    { label: t(unread ? (only ? 'keys.read' : 'triage.markRead') : only ? 'keys.unread' : 'triage.markUnread'), icon: unread ? 'check' : 'mail', key: unread ? '⇧ U' : 'U', testid: 'row-read', onselect: () => void setRead(rows, unread) },
    ...(only ? [{ label: t(muted ? 'talk.mute.off' : 'talk.mute.always'), icon: muted ? ('bell' as const) : ('belloff' as const), key: 'B', testid: 'row-mute', onselect: () => void inbox.mute(only.key, muted ? 'off' : 'always') }] : []),
  ];
}
