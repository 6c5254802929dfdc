import { type AwayView, ipc } from '../ipc/client';
import { session } from './session.svelte';

/** What came while nothing was heard of some accounts, until somebody has seen it. */
class Away {
  card = $state.raw<AwayView | null>(null);

  /** Asks again whenever another number of accounts is live: one that comes back may have missed something. */
  follow(): void {
    let last = -1;
    $effect(() => {
      const live = session.accounts.filter((account) => account.state.kind === 'live').length;
      if (!session.subscribed || live === last) return;
      last = live;
      void this.#ask();
    });
  }

  async seen(): Promise<void> {
    const card = this.card;
    this.card = null;
    if (card) await ipc.awaySeen(card.endedAt).catch(() => (this.card = card));
  }

  async #ask(): Promise<void> {
    // Nothing is lost where it cannot be told just now: it is asked again.
    this.card = await ipc.away().catch(() => this.card);
  }
}

export const away = new Away();
