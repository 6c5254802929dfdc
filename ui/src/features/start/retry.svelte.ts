import { IpcError, ipc } from '../../ipc/client';
import { session } from '../../state/session.svelte';

/** Starting once more, with what came of it. */
export class Retry {
  running = $state(false);
  error = $state.raw<IpcError | null>(null);

  async run(): Promise<void> {
    this.running = true;
    this.error = null;
    try {
      if (session.status.phase === 'ready') await session.subscribe();
      else await ipc.retryStart();
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    } finally {
      this.running = false;
    }
  }
}
