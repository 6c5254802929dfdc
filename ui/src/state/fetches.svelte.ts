import { SvelteMap } from 'svelte/reactivity';

import { IpcError, ipc } from '../ipc/client';

/** Where the fetching of a file stands. */
export type Fetch = { phase: 'running'; done: number; total: number } | { phase: 'failed'; error: IpcError };

const running = new SvelteMap<string, Fetch>();
const nameOf = (account: string, file: string): string => `${account}/${file}`;

/** The fetching of a file; undefined where none is under way and none failed. */
export const fetchOf = (account: string, file: string): Fetch | undefined => running.get(nameOf(account, file));

/** Fetches a file; says whether its bytes are here. A second call while one is under way does nothing. */
export async function fetchFile(account: string, file: string): Promise<boolean> {
  const name = nameOf(account, file);
  if (running.get(name)?.phase === 'running') return false;
  running.set(name, { phase: 'running', done: 0, total: 0 });
  try {
    const whole = await ipc.fetchFile(account, file, ({ doneKib, totalKib }) => {
      if (running.get(name)?.phase === 'running') running.set(name, { phase: 'running', done: doneKib, total: totalKib });
    });
    running.delete(name);
    return whole;
  } catch (thrown) {
    running.set(name, { phase: 'failed', error: IpcError.from(thrown) });
    return false;
  }
}

/** Stops fetching; what came is gone on from the next time. */
export function cancelFetch(account: string, file: string): void {
  void ipc.cancelFetch(account, file).catch(() => undefined);
}
