import { t } from '../../i18n/index.svelte';
import { tell } from '../../state/notice.svelte';

/** Takes a provider's help page along to where pages are opened. */
export async function copyAddress(url: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(url);
    tell({ tone: 'ok', text: t('link.copied') });
  } catch {
    tell({ tone: 'danger', text: t('link.copyFailed') });
  }
}
