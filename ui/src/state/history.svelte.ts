import { SvelteMap } from 'svelte/reactivity';

import { type ConversationKey, IpcError, type OlderLoaded, ipc } from '../ipc/client';
import { idOf } from './ordering';

/** How far a chat has been read back from Telegram. */
export interface Reading {
  phase: 'idle' | 'page' | 'whole' | 'stopping' | 'failed';
  /** Messages that are new here, since the reading began. */
  stored: number;
  reached: string | null;
  /** There is nothing older at Telegram. */
  beginning: boolean;
  error: IpcError | null;
}

const nothing: Reading = { phase: 'idle', stored: 0, reached: null, beginning: false, error: null };
const readings = new SvelteMap<string, Reading>();

/** How far a chat has been read back; it goes on while another one is open. */
export const readingOf = (key: ConversationKey): Reading => readings.get(idOf(key)) ?? nothing;

const busy = (reading: Reading): boolean => reading.phase === 'page' || reading.phase === 'whole' || reading.phase === 'stopping';

/** Reads a page of what is older from Telegram; says whether anything came. */
export async function readOlder(key: ConversationKey): Promise<boolean> {
  const before = readingOf(key);
  if (busy(before) || before.beginning) return false;
  readings.set(idOf(key), { ...before, phase: 'page', error: null });
  try {
    const loaded = await ipc.loadOlder(key);
    readings.set(idOf(key), { phase: 'idle', stored: before.stored + loaded.stored, reached: loaded.reached ?? before.reached, beginning: loaded.beginning, error: null });
    return loaded.stored > 0;
  } catch (thrown) {
    readings.set(idOf(key), { ...before, phase: 'failed', error: IpcError.from(thrown) });
    return false;
  }
}

/** Reads a chat back to its beginning, until stopped. */
export async function readWhole(key: ConversationKey): Promise<void> {
  const id = idOf(key);
  const before = readingOf(key);
  if (busy(before) || before.beginning) return;
  readings.set(id, { ...before, phase: 'whole', stored: 0, error: null });
  const take = (loaded: OlderLoaded) => {
    const now = readingOf(key);
    readings.set(id, { ...now, stored: loaded.stored, reached: loaded.reached ?? now.reached, beginning: loaded.beginning });
  };
  try {
    await ipc.loadWholeChat(key, take);
    readings.set(id, { ...readingOf(key), phase: 'idle' });
  } catch (thrown) {
    readings.set(id, { ...readingOf(key), phase: 'failed', error: IpcError.from(thrown) });
  }
}

/** Stops reading a chat back; what came stays. */
export function stopReading(key: ConversationKey): void {
  const now = readingOf(key);
  if (now.phase !== 'whole') return;
  readings.set(idOf(key), { ...now, phase: 'stopping' });
  void ipc.stopLoading(key).catch(() => undefined);
}
