import { t } from '../../i18n/index.svelte';
import { type FileView, IpcError, type SavedFiles } from '../../ipc/client';
import { tell } from '../../state/notice.svelte';
import { errorTitle } from '../../state/words';

/** The question whether to open a file that the system could run. */
class Question {
  /** The file's name while an answer is waited for. */
  name = $state<string | null>(null);
  #answered: (yes: boolean) => void = () => undefined;

  ask(name: string): Promise<boolean> {
    this.answer(false);
    this.name = name;
    return new Promise((resolve) => (this.#answered = resolve));
  }

  answer(yes: boolean): void {
    this.name = null;
    this.#answered(yes);
  }
}

export const question = new Question();

/** Whether a file may be opened: one that the system could run only after a person agreed. */
export const mayOpen = async (file: FileView): Promise<boolean> => !file.risky || question.ask(file.name);

/** Does something with a file; a failure is said with what the machine said. */
export async function attempt(failure: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (thrown) {
    const error = IpcError.from(thrown);
    tell({ tone: 'danger', text: failure, detail: error.detail || errorTitle(error.code) });
  }
}

/** Saves and says where, or what failed; nothing is said when the person cancelled. */
export async function saving(action: () => Promise<SavedFiles>): Promise<void> {
  await attempt(t('talk.saveFailed'), async () => {
    const { folder, saved, failed } = await action();
    if (failed) tell({ tone: 'danger', text: t('talk.saveFailed'), detail: failed.detail || errorTitle(failed.code) });
    else if (folder !== null) tell({ tone: 'ok', text: t('talk.saved', { n: saved, folder }) });
  });
}
