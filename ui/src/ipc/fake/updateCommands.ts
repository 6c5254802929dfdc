import type { UpdateProgress, UpdateView } from '../bindings';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A newer version that can be had. */
export function updateCommands() {
  let view: UpdateView = { daily: true, step: { kind: 'unknown' } };
  const now = (step: UpdateView['step']) => (view = { ...view, step });
  return {
    updateStatus: async () => view,
    lookForUpdates: async (daily: boolean) => (view = { ...view, daily }),
    checkUpdate: async () => {
      await pause(200);
      return now({ kind: 'found', version: '0.2.0', notes: 'Пошук знаходить слова в різних формах.\nЧати відкриваються швидше.' });
    },
    fetchUpdate: async (onProgress: (progress: UpdateProgress) => void) => {
      for (const percent of [10, 45, 80, 100]) {
        onProgress({ percent });
        await pause(80);
      }
      return now({ kind: 'fetched', version: '0.2.0' });
    },
    installUpdate: async () => now({ kind: 'failed', why: 'sending', detail: '0.2.0' }),
  };
}
