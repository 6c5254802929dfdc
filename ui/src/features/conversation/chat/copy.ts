import { t } from '../../../i18n/index.svelte';
import { tell } from '../../../state/notice.svelte';

/** Copies a text and says so. */
export async function copy(text: string, done: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell({ tone: 'ok', text: done });
  } catch {
    tell({ tone: 'danger', text: t('chat.copyFailed') });
  }
}
