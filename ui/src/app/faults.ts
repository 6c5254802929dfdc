import { ipc } from '../ipc/client';

const MOST = 50;
let told = 0;

/** Puts what nobody caught into the program's log: the fault's name and place, never what was on the screen. */
export function reportFaults(): void {
  window.addEventListener('error', (event) => report('Uncaught error in the window', event.error ?? event.message));
  window.addEventListener('unhandledrejection', (event) => report('Unhandled rejection in the window', event.reason));
  document.addEventListener('securitypolicyviolation', (event) => {
    report('Content security policy violated', `${event.effectiveDirective} ${event.blockedURI}`);
  });
}

/** Logs a fault with its stack, a limited number of times. */
export function report(message: string, fault: unknown): void {
  if (told >= MOST) return;
  told += 1;
  const error = fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault);
  const stack = fault instanceof Error ? (fault.stack ?? '') : '';
  void ipc.uiLog('error', message, [{ name: 'error', value: error }, { name: 'stack', value: stack }]).catch(() => undefined);
}
