import type { IconName } from '../../components/icons';
import { t } from '../../i18n/index.svelte';

const known = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
const icons: Record<(typeof known)[number], IconName> = { TRACE: 'todo', DEBUG: 'todo', INFO: 'info', WARN: 'warn', ERROR: 'bad' };
const rows: Partial<Record<(typeof known)[number], string>> = { WARN: 'w', ERROR: 'e' };

/** How a level is drawn: its shape, its word, and the row's ground where it stands out. */
export function levelLook(level: string): { icon: IconName; word: string; row: string } {
  const name = known.find((candidate) => candidate === level);
  if (!name) return { icon: 'help', word: level, row: '' };
  return { icon: icons[name], word: t(`logs.lv.${name}`), row: rows[name] ?? '' };
}
