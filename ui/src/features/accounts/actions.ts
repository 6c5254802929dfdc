import { t } from '../../i18n/index.svelte';
import { type AccountView, IpcError } from '../../ipc/client';
import { tell } from '../../state/notice.svelte';
import { helpFor } from '../../state/help.svelte';
import { accountTrouble } from '../../state/words';

/** Asks for a change of an account; a refusal is said with its reason. */
export async function change(account: AccountView, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (thrown) {
    const error = IpcError.from(thrown);
    tell({ tone: 'danger', text: t('accounts.actionFailed'), detail: `${accountTrouble(account, error.code).title}. ${error.detail}`, help: helpFor(error.code) });
    return false;
  }
}
