import { type FactsArrived, type OutgoingView, ipc } from '../ipc/client';

/** The outbox is read again at most this often, in milliseconds. */
const EVERY = 1500;

/** What was sent off in any conversation and is not sent yet. */
class Outbox {
  entries = $state.raw<readonly OutgoingView[]>([]);
  failed = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #readAt = -EVERY;

  /** Reads it soon; in a flood of facts no more often than it changes anything for a person. */
  refresh(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.read(), Math.max(100, this.#readAt + EVERY - performance.now()));
  }

  async read(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#readAt = performance.now();
    try {
      this.entries = await ipc.outbox();
      this.failed = false;
    } catch {
      this.failed = true;
    }
  }

  /** Facts tell of conversations, not of the outbox: it may be part of any change. */
  apply(facts: FactsArrived): void {
    if (facts.countsChanged || facts.overflowed || this.entries.length > 0) this.refresh();
  }
}

export const outbox = new Outbox();
