import { t } from '../../../i18n/index.svelte';
import type { OverlookedView } from '../../../ipc/client';

/** What may have been overlooked, in a sentence. */
export function overlookedWords(one: OverlookedView): string {
  switch (one.kind) {
    case 'noFile':
      return t('mail.over.noFile');
    case 'noSubject':
      return t('mail.over.noSubject');
    case 'fileOfAnother':
      return t('mail.over.fileOfAnother', { name: one.name, from: one.from });
    case 'newAddress':
      return t('mail.over.newAddress', { address: one.address });
  }
}
