import { t } from '../i18n/index.svelte';
import { IpcError, type SavedFiles } from '../ipc/client';
import { tell } from './notice.svelte';
import { helpFor } from './help.svelte';
import { errorTitle } from './words';

/** Does something; a failure is said with what the machine said. */
export async function attempt(failure: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (thrown) {
    const error = IpcError.from(thrown);
    tell({ tone: 'danger', text: failure, detail: error.detail || errorTitle(error.code), help: helpFor(error.code) });
  }
}

/** Saves and says where, or what failed; nothing is said when the person cancelled. */
export async function saving(action: () => Promise<SavedFiles>): Promise<void> {
  await attempt(t('talk.saveFailed'), async () => {
    const { folder, saved, failed } = await action();
    if (failed) tell({ tone: 'danger', text: t('talk.saveFailed'), detail: failed.detail || errorTitle(failed.code), help: helpFor(failed.code) });
    else if (folder !== null) tell({ tone: 'ok', text: t('talk.saved', { n: saved, folder }) });
  });
}
