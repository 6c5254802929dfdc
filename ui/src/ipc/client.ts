import type { Backend, Commands, Listeners } from './backend';
import { tauriBackend } from './tauri';

export { IpcError } from './error';
export type { Listeners } from './backend';
export type * from './bindings';

let backend: Backend | undefined;

/** Chooses Rust, or outside Tauri in a test build the invented bureau. Called once, before anything else. */
export async function connect(): Promise<void> {
  if ('__TAURI_INTERNALS__' in window) {
    backend = tauriBackend();
    return;
  }
  if (__FAKE__) {
    backend = (await import('./fake/backend')).fakeBackend();
    return;
  }
  throw new Error('This page runs only inside Skrynka');
}

/** Takes a backend as given, for unit tests. */
export function connectTo(given: Backend): void {
  backend = given;
}

/** Every command of the program; each promise fails with an `IpcError`. */
export const ipc: Commands = new Proxy({} as Commands, {
  get(_, name: string) {
    if (!backend) throw new Error('Not connected');
    return backend.commands[name as keyof Commands];
  },
});

/** Hands over events until the answer is called. */
export function listen(listeners: Listeners): Promise<() => void> {
  if (!backend) throw new Error('Not connected');
  return backend.listen(listeners);
}
