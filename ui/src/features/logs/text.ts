import { f } from '../../i18n/index.svelte';
import type { LogRow } from '../../ipc/client';

/** A line as one can be pasted into a letter: its moment with the zone, level, area, and what was said. */
export const asText = ({ at, level, area, message, fields, spans }: LogRow): string =>
  [f.machineTime(new Date(at)), level.padEnd(5), area.padEnd(8), ...(spans.length > 0 ? [`[${spans.join(' › ')}]`] : []), message, ...fields.map(({ name, value }) => `${name}=${value}`)].join('  ');
