import { type AwayView, IpcError, ipc } from '../ipc/client';
import { t } from '../i18n/index.svelte';
import { tell } from './notice.svelte';
import { session } from './session.svelte';
import { errorTitle } from './words';

/** What has changed in the inbox is counted again after so many milliseconds. */
const AGAIN = 1000;

/** What came while nothing was heard of some accounts, until somebody has seen it. */
class Away {
  card = $state.raw<AwayView | null>(null);
  #epoch = 0;

  /** Asks whenever other accounts are live: one that comes back may have missed something; and while the card stands, after what happens in the inbox. */
  follow(): void {
    let last = '';
    $effect(() => {
      const live = session.accounts.filter((account) => account.state.kind === 'live').map((account) => account.id).join(' ');
      if (!session.subscribed || live === last) return;
      last = live;
      void this.#ask();
    });
    $effect(() => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const stop = session.onFacts(() => {
        if (this.card === null) return;
        clearTimeout(timer);
        timer = setTimeout(() => void this.#ask(), AGAIN);
      });
      return () => (clearTimeout(timer), stop());
    });
  }

  async seen(): Promise<void> {
    const card = this.card;
    if (card === null) return;
    const epoch = ++this.#epoch;
    this.card = null;
    try {
      await ipc.awaySeen(card.endedAt);
    } catch (thrown) {
      if (epoch === this.#epoch) this.card = card;
      tell({ tone: 'danger', text: t('away.notSeen'), detail: errorTitle(IpcError.from(thrown).code) });
    }
  }

  async #ask(): Promise<void> {
    const epoch = ++this.#epoch;
    // What cannot be told just now is not lost: it is asked again.
    const card = await ipc.away().catch(() => this.card);
    if (epoch === this.#epoch) this.card = card;
  }
}

export const away = new Away();
