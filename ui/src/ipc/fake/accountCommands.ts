import type { AccountView, Discovery, MailboxForm, TestStep, TestStepName, TokensForm, WireError } from '../bindings';
import { form } from './accounts';
import { type World, fail } from './backend';
import { IpcError } from '../error';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A password that any invented server refuses. */
const WRONG = 'wrong';

/** The account screens' commands over the invented bureau. */
export function accountCommands(world: World) {
  const { bureau } = world;
  const find = (id: string): AccountView => bureau.accounts.find((account) => account.id === id) ?? fail('not_found');

  function changed(): null {
    world.listeners?.accountsChanged({ accounts: structuredClone(bureau.accounts) });
    return null;
  }

  function enter(account: AccountView, state: AccountView['state']): void {
    account.state = state;
    account.stateSince = new Date(world.now()).toISOString();
    changed();
  }

  /** Plays a first sync. */
  async function sync(account: AccountView): Promise<void> {
    enter(account, { kind: 'connecting' });
    await pause(600);
    for (let done = 0; done <= 500; done += 50) {
      enter(account, { kind: 'catching_up', done, total: 500 });
      await pause(120);
    }
    enter(account, { kind: 'live' });
  }

  world.sync = (account) => void sync(account);

  return {
    accounts: async () => bureau.accounts,
    discoverMailbox: async (address: string): Promise<Discovery> => {
      await pause(400);
      const host = address.split('@')[1] ?? '';
      const mailbox = form('', address, 0);
      if (host === 'gmail.com') return { provider: 'Gmail', passwords: 'app_password', helpUrl: 'https://support.example/app-passwords', mailbox: { ...mailbox, imapHost: 'imap.gmail.com', smtpHost: 'smtp.gmail.com' }, answered: true };
      if (host === 'outlook.com') return { provider: 'Outlook', passwords: 'none', helpUrl: 'https://support.example/oauth', mailbox: { ...mailbox, imapHost: 'outlook.office365.com', smtpHost: 'smtp.office365.com', smtpPort: 587, smtpSecurity: 'starttls' }, answered: true };
      if (host === 'ukr.net') return { provider: 'ukr.net', passwords: 'switch_on_first', helpUrl: 'https://support.example/imap', mailbox, answered: true };
      if (host.startsWith('nowhere')) return { provider: null, passwords: 'password', helpUrl: null, mailbox: null, answered: false };
      return { provider: null, passwords: 'password', helpUrl: null, mailbox, answered: true };
    },
    estimateMailbox: async (mailbox: MailboxForm, password: string | null) => {
      await pause(500);
      if (password === WRONG) fail('sign_in', 'A3 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)');
      const days = mailbox.since === null ? 2000 : Math.max(1, (world.now() - Date.parse(mailbox.since)) / 86_400_000);
      return { messages: Math.round(days * 34), kib: Math.round(days * 34 * 61), freeKib: 222_000_000 };
    },
    testMailbox: async (mailbox: MailboxForm, password: string | null, tokens: TokensForm | null, _account: string | null, onStep: (step: TestStep) => void) => {
      const details: Record<TestStepName, string> = {
        resolve: '192.0.2.14, 2001:db8::14',
        connect: `192.0.2.14:${mailbox.imapPort}`,
        tls: `TLS 1.3 · ${mailbox.imapHost} · C=US, O=Example Trust, CN=E7 · 2027-02-14`,
        sign_in: '',
        folders: '12 · Sent: Надіслані',
        idle: 'IDLE',
        smtp: `TLS 1.3 · ${mailbox.smtpHost} · C=US, O=Example Trust, CN=E7 · 2027-02-14`,
      };
      for (const [index, step] of (Object.keys(details) as TestStepName[]).entries()) {
        onStep({ step, state: 'running', ms: null, detail: '', error: null });
        await pause(160);
        const error: WireError | null = step !== 'sign_in' ? null : password === WRONG ? { code: 'app_password', detail: 'A3 NO [AUTHENTICATIONFAILED] Application-specific password required' } : tokens?.refreshToken === WRONG ? { code: 'session_revoked', detail: 'the provider wants a new sign-in: invalid_grant Token has been expired or revoked.' } : null;
        onStep({ step, state: error ? 'failed' : 'passed', ms: [12, 38, 61, 204, 47, 3, 118][index] ?? 10, detail: details[step], error });
        if (!error) continue;
        // Sending is tried whatever became of reading, as Rust does.
        await pause(160);
        onStep({ step: 'smtp', state: 'failed', ms: 96, detail: '', error: tokens ? error : { code: 'sign_in', detail: '535 5.7.8 Username and Password not accepted' } });
        throw new IpcError(error);
      }
      return null;
    },
    addMailbox: async (mailbox: MailboxForm) => {
      await pause(500);
      if (bureau.accounts.some((account) => account.address === mailbox.address)) fail('already_exists');
      const account: AccountView = {
        id: `acc-${bureau.accounts.length}`, channel: 'email', name: mailbox.name, code: mailbox.name.slice(0, 2).toUpperCase(), color: mailbox.color || 1, address: mailbox.address, telegram: null, enabled: true, muted: false,
        state: { kind: 'idle' }, stateSince: new Date(world.now()).toISOString(), lastMessageAt: null, lastHeardAt: null, lagMs: null, backlog: 500, lastError: null, unread: 0, stored: 0, quarantined: 0, mailbox,
        history: Array.from({ length: 96 }, () => 'none' as const),
      };
      bureau.accounts.push(account);
      changed();
      void sync(account);
      return account;
    },
    updateMailbox: async (id: string, mailbox: MailboxForm) => {
      const account = find(id);
      Object.assign(account, { mailbox, name: mailbox.name, color: mailbox.color || account.color });
      void sync(account);
      return changed();
    },
    setAccountEnabled: async (id: string, enabled: boolean) => {
      const account = find(id);
      account.enabled = enabled;
      enter(account, enabled ? { kind: 'live' } : { kind: 'stopped' });
      return null;
    },
    setAccountMuted: async (id: string, muted: boolean) => {
      find(id).muted = muted;
      return changed();
    },
    retryAccount: async (id: string) => {
      void sync(find(id));
      return null;
    },
    removeAccount: async (id: string) => {
      bureau.accounts.splice(bureau.accounts.indexOf(find(id)), 1);
      return changed();
    },
    pickCaFile: async () => '/home/bureau/ca.pem',
  };
}
