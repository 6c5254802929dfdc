import type { AccountView } from '../../ipc/client';

const KEY = 'skrynka.newChatAccount';

/** The account that a chat was last begun from. */
export function lastAccount(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function rememberAccount(account: string): void {
  try {
    localStorage.setItem(KEY, account);
  } catch {
    // Without storage the first one is offered again.
  }
}

/** Which account a chat is begun from unless another one is chosen: the last one, the one that is shown, or one that works. */
export function startingAccount(accounts: readonly AccountView[], last: string | null, shown: readonly (string | null)[]): string {
  const known = (id: string | null) => accounts.find((account) => account.id === id);
  const works = accounts.find((account) => account.state.kind === 'live' || account.state.kind === 'catching_up');
  return ([last, ...shown].map(known).find(Boolean) ?? works ?? accounts[0])?.id ?? '';
}
