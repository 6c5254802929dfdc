import { IpcError, ipc } from '../../../ipc/client';
import { t } from '../../../i18n/index.svelte';
import { drafts } from '../../../state/drafts.svelte';
import { tell } from '../../../state/notice.svelte';
import { helpFor } from '../../../state/help.svelte';
import { errorTitle } from '../../../state/words';
import { recorder } from './recorder.svelte';

let asked = false;

/**
 * Puts what was being said when the window or the program ended into the drafts of its chats. Asked once in the life of a page: what is
 * recorded later is its own.
 */
export async function takeLeftRecordings(): Promise<void> {
  if (asked) return;
  asked = true;
  await drafts.ready;
  const found = await ipc.leftRecordings().catch(() => []);
  const left = found.filter(({ upload }) => !recorder.holds(upload));
  let taken = 0;
  let failed: IpcError | null = null;
  for (const { upload, conversation } of left) {
    try {
      const voice = await ipc.attachVoice(upload);
      drafts.changeChat(conversation, { files: [...drafts.chat(conversation).files, voice] });
      taken += 1;
    } catch (thrown) {
      failed = IpcError.from(thrown);
    }
  }
  if (failed) tell({ tone: 'danger', text: t('voice.leftFailed'), detail: failed.detail || errorTitle(failed.code), help: helpFor(failed.code) });
  else if (taken > 0) tell({ tone: 'info', text: t('voice.left', { n: taken }) });
}
