import { f, t } from '../../../i18n/index.svelte';
import type { OverlookedView } from '../../../ipc/client';
import { unfilled } from '../../../state/filling';

/** What may have been overlooked: what the program found, and what a template left open. */
export type Overlooked = OverlookedView | { kind: 'unfilled'; names: string[] };

/** What a template left open in a text, where it did. */
export function leftOpen(text: string): Overlooked[] {
  const names = unfilled(text);
  return names.length > 0 ? [{ kind: 'unfilled', names }] : [];
}

/** What may have been overlooked, in a sentence. */
export function overlookedWords(one: Overlooked): string {
  switch (one.kind) {
    case 'noFile':
      return t('mail.over.noFile');
    case 'noSubject':
      return t('mail.over.noSubject');
    case 'fileOfAnother':
      return t('mail.over.fileOfAnother', { name: one.name, from: one.from });
    case 'newAddress':
      return t('mail.over.newAddress', { address: one.address });
    case 'tooLarge':
      return t('mail.over.tooLarge', { size: f.bytes(one.bytes), most: f.bytes(one.most) });
    case 'unfilled':
      return t('template.unfilled', { names: one.names.join(', ') });
  }
}
