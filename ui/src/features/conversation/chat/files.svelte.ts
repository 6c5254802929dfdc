import { t } from '../../../i18n/index.svelte';
import { type FileView, type MessageKey, ipc } from '../../../ipc/client';
import { fetchFile } from '../../../state/fetches.svelte';
import { inbox } from '../../../state/inbox.svelte';
import { attempt, mayOpen, saving } from '../files.svelte';

/** The message that carries a file. */
interface OfMessage {
  key: MessageKey;
}

/** Brings a file's bytes here and its message up to date; says whether they are here. */
export async function bring(message: OfMessage, file: FileView): Promise<boolean> {
  if (file.media === null || file.media.url !== null) return true;
  const whole = await fetchFile(message.key.account, file.id);
  // What cannot be read now comes with the next reading.
  if (whole) await inbox.talk.refresh([message.key.id]).catch(() => undefined);
  return whole;
}

/** Opens a file in the system's program, after a question where it is risky; it is fetched first where it must be. */
export async function openFile(message: OfMessage, file: FileView): Promise<void> {
  if (!(await mayOpen(file))) return;
  if (await bring(message, file)) await attempt(t('chat.openFailed'), () => ipc.openFile(message.key.account, file.id, file.risky));
}

/** Saves a file where the manager chooses; it is fetched first where it must be. */
export async function saveFile(message: OfMessage, file: FileView): Promise<void> {
  if (await bring(message, file)) await saving(() => ipc.saveFile(message.key.account, file.id));
}
