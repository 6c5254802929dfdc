import { SvelteMap } from 'svelte/reactivity';

import { type ConversationKey, ipc } from '../ipc/client';
import { clock } from './clock.svelte';
import { idOf } from './ordering';

const KEPT = 500;
const times = new SvelteMap<string, number>();
const waiting = new Map<string, ConversationKey>();
let scheduled = false;

/**
 * Says that these rows are on the screen, once the frame that shows them has been drawn: the callback of the
 * next frame runs before the drawing, a message posted from there right after it.
 */
export function reportPainted(keys: readonly ConversationKey[], visible: (id: string) => boolean): void {
  for (const key of keys) waiting.set(idOf(key), key);
  if (scheduled || waiting.size === 0) return;
  scheduled = true;
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      scheduled = false;
      flush(visible);
    };
    port2.postMessage(null);
  });
}

function flush(visible: (id: string) => boolean): void {
  const shown = [...waiting].filter(([id]) => visible(id));
  waiting.clear();
  if (shown.length === 0) return;
  const at = clock.exact();
  for (const [id] of shown) {
    times.delete(id);
    times.set(id, at);
  }
  for (const id of times.keys()) {
    if (times.size <= KEPT) break;
    times.delete(id);
  }
  void ipc.painted(shown.map(([, key]) => key)).catch(() => undefined);
}

/** When the row of this conversation was last drawn because of a new fact; null when it was not. */
export const paintedAt = (key: ConversationKey): number | null => times.get(idOf(key)) ?? null;
