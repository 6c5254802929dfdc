import type { IconName } from '../../components/icons';
import type { LogFilter } from '../../ipc/client';
import { everything } from '../../state/logs.svelte';

export interface ReadyFilter {
  name: 'all' | 'events' | 'mail' | 'telegram' | 'sending' | 'errors';
  icon: IconName;
  filter: LogFilter;
}

/** What staff used to grep for in the old system's output. */
export const readyFilters: readonly ReadyFilter[] = [
  { name: 'all', icon: 'stack', filter: everything },
  { name: 'events', icon: 'pulse', filter: { ...everything, level: 'debug', areas: ['events'] } },
  { name: 'mail', icon: 'mail', filter: { ...everything, areas: ['email'] } },
  { name: 'telegram', icon: 'tg', filter: { ...everything, areas: ['telegram'] } },
  { name: 'sending', icon: 'send', filter: { ...everything, areas: ['outbox'] } },
  { name: 'errors', icon: 'bad', filter: { ...everything, level: 'error' } },
];

/** Whether two filters mean the same lines, whenever they were written. */
export const same = (one: LogFilter, other: LogFilter): boolean => JSON.stringify(plain(one)) === JSON.stringify(plain(other));

const plain = ({ level, areas, account, text, regex, markOnly, exclude }: LogFilter): unknown[] => [level, areas, account, text, text !== '' && regex, text !== '' && markOnly, exclude];
