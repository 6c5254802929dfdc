import { type AccountView, type AuthName, type Discovery, type Estimate, IpcError, type MailboxForm, type TestStep, type TestStepName, type TokensForm, ipc } from '../../ipc/client';
import { clock } from '../../state/clock.svelte';
import { type Field, badFields, badSecrets, isAddress, isBlank, isName } from './checks';
import { type Span, firstDay, isoDay } from './since';

export const steps = ['address', 'servers', 'since', 'test', 'done'] as const;
export type Step = (typeof steps)[number];

/** The steps of the connection test, in the order in which they are made. */
export const testSteps: readonly TestStepName[] = ['resolve', 'connect', 'tls', 'sign_in', 'folders', 'idle', 'smtp'];

const blank: MailboxForm = {
  name: '', address: '', imapHost: '', imapPort: 993, imapSecurity: 'tls', smtpHost: '', smtpPort: 465, smtpSecurity: 'tls',
  user: '', auth: 'password', since: null, caFile: null, folders: [], writeFlags: false, color: 0,
};

const noTokens: TokensForm = { clientId: '', clientSecret: '', refreshToken: '', tokenEndpoint: '' };

export type TokenField = keyof TokensForm;

/** Where providers that take tokens make them; a bureau's own registration may name another place. */
const endpoints: readonly [RegExp, string][] = [
  [/(^|\.)(gmail|googlemail|google)\.com$/i, 'https://oauth2.googleapis.com/token'],
  [/(^|\.)(outlook|office365|hotmail|live)\.com$/i, 'https://login.microsoftonline.com/common/oauth2/v2.0/token'],
];

/** What was typed and left by way of another screen; it is there again on the way back. */
let kept: Wizard | null = null;

/** The wizard of an account, or of a new mailbox: the one that was left, or a fresh one. */
export function wizardFor(account: AccountView | undefined): Wizard {
  const wizard = kept !== null && kept.account?.id === account?.id ? kept : new Wizard(account);
  kept = null;
  return wizard;
}

/** Keeps a wizard that holds something typed. */
export function keep(wizard: Wizard): void {
  if (wizard.dirty && !wizard.over) kept = wizard;
}

/** Adding or changing a mailbox by steps. Nothing is kept anywhere until the last step has been answered. */
export class Wizard {
  step = $state<Step>('address');
  form = $state<MailboxForm>({ ...blank });
  password = $state('');
  tokens = $state<TokensForm>({ ...noTokens });
  discovery = $state.raw<Discovery | null>(null);
  span = $state<Span>('3m');
  date = $state('');
  estimate = $state.raw<Estimate | null>(null);
  estimateError = $state.raw<IpcError | null>(null);
  results = $state.raw<readonly TestStep[]>([]);
  test = $state<'none' | 'running' | 'passed' | 'failed'>('none');
  testError = $state.raw<IpcError | null>(null);
  refusedAt = $state<number | null>(null);
  saveError = $state.raw<IpcError | null>(null);
  busy = $state(false);
  bad = $state.raw<readonly Field[]>([]);
  /** Saved or given up: nothing is left to be kept. */
  over = false;

  /** The account that is changed; undefined when one is added. */
  readonly account: AccountView | undefined;
  #epoch = 0;
  /** The form as it was found, to tell what was typed. */
  #found: string;

  constructor(account: AccountView | undefined) {
    this.account = account;
    this.date = isoDay(clock.now);
    this.#found = JSON.stringify(blank);
    if (!account?.mailbox) return;
    this.form = { ...account.mailbox, folders: [...account.mailbox.folders], color: account.mailbox.color || account.color };
    this.span = account.mailbox.since === null ? 'all' : 'date';
    this.date = account.mailbox.since ?? this.date;
    this.step = 'servers';
    this.#found = JSON.stringify(this.form);
  }

  /** Whether a password or tokens have to be typed: nothing is kept for this way to sign in. */
  get secretNeeded(): boolean {
    return this.account?.mailbox?.auth !== this.form.auth;
  }

  /** Password or tokens; where the provider is known, so is the place that makes its tokens. */
  chooseAuth(auth: AuthName): void {
    this.form.auth = auth;
    this.bad = [];
    this.refusedAt = null;
    if (auth !== 'xoauth2' || this.tokens.tokenEndpoint !== '' || !this.secretNeeded) return;
    this.tokens.tokenEndpoint = endpoints.find(([host]) => host.test(this.form.imapHost.trim()))?.[1] ?? '';
  }

  /** Whether anything typed would be lost by leaving. */
  get dirty(): boolean {
    if (this.password !== '' || this.tokens.clientId !== '' || this.tokens.clientSecret !== '' || this.tokens.refreshToken !== '') return true;
    return this.account ? JSON.stringify(this.form) !== this.#found : this.form.address.trim() !== '';
  }

  /** From the address to the servers: the table or a guess, never a question about the password first. */
  async discover(): Promise<void> {
    this.bad = isAddress(this.form.address) ? [] : ['address'];
    if (this.bad.length > 0) return;
    const epoch = ++this.#epoch;
    const address = this.form.address.trim();
    this.busy = true;
    try {
      const found = await ipc.discoverMailbox(address);
      if (epoch === this.#epoch) this.#take(found, address);
    } catch (thrown) {
      if (epoch !== this.#epoch) return;
      this.#take({ provider: null, passwords: 'password', helpUrl: null, mailbox: null, answered: false }, address);
      this.estimateError = IpcError.from(thrown);
    } finally {
      if (epoch === this.#epoch) this.busy = false;
    }
  }

  /** Another address: back to the first step. */
  restart(): void {
    this.#epoch += 1;
    this.busy = false;
    this.discovery = null;
    this.step = 'address';
  }

  /** From the servers to the start date. */
  toSince(): void {
    this.bad = badFields(this.form, this.password, this.tokens, this.secretNeeded);
    if (this.bad.length > 0) return;
    this.step = 'since';
    void this.count();
  }

  /** Asks how many mails the chosen start means. */
  async count(): Promise<void> {
    const epoch = ++this.#epoch;
    this.estimate = null;
    this.estimateError = null;
    if (!this.takeSince()) return;
    try {
      const estimate = await ipc.estimateMailbox(this.#sent(), this.#givenPassword(), this.#givenTokens(), this.account?.id ?? null);
      if (epoch === this.#epoch) this.estimate = estimate;
    } catch (thrown) {
      if (epoch === this.#epoch) this.estimateError = IpcError.from(thrown);
    }
  }

  /** Puts the chosen start into the form; false when the date cannot be used. */
  takeSince(): boolean {
    const ok = this.span !== 'date' || (/^\d{4}-\d{2}-\d{2}$/.test(this.date) && this.date <= isoDay(clock.now));
    this.bad = ok ? [] : ['date'];
    if (ok) this.form.since = firstDay(this.span, this.date, clock.now);
    return ok;
  }

  /** Runs the connection test, step by step. */
  async runTest(): Promise<void> {
    this.bad = badSecrets(this.form, this.password, this.tokens, this.secretNeeded);
    if (this.bad.length > 0) return;
    const epoch = ++this.#epoch;
    this.step = 'test';
    this.results = [];
    this.test = 'running';
    this.testError = null;
    try {
      await ipc.testMailbox(this.#sent(), this.#givenPassword(), this.#givenTokens(), this.account?.id ?? null, (step) => {
        if (epoch === this.#epoch) this.results = [...this.results.filter((known) => known.step !== step.step), step];
      });
      if (epoch === this.#epoch) this.test = 'passed';
    } catch (thrown) {
      if (epoch !== this.#epoch) return;
      const error = IpcError.from(thrown);
      this.testError = error;
      this.test = 'failed';
      this.refusedAt = error.code === 'sign_in' || error.code === 'app_password' ? clock.exact() : null;
    }
  }

  /** Lets a running test go on alone; its answer is not waited for. */
  stopTest(): void {
    this.#epoch += 1;
    this.test = 'none';
    this.step = 'servers';
  }

  /** Adds or changes the mailbox; answers with its key, or null when it was refused. */
  async save(): Promise<string | null> {
    this.bad = isName(this.form.name) ? [] : ['name'];
    if (this.bad.length > 0) return null;
    this.busy = true;
    this.saveError = null;
    try {
      if (this.account) {
        await ipc.updateMailbox(this.account.id, this.#sent(), this.#givenPassword(), this.#givenTokens());
        this.over = true;
        return this.account.id;
      }
      const { id } = await ipc.addMailbox(this.#sent(), this.#givenPassword(), this.#givenTokens());
      this.over = true;
      return id;
    } catch (thrown) {
      this.saveError = IpcError.from(thrown);
      return null;
    } finally {
      this.busy = false;
    }
  }

  #take(found: Discovery, address: string): void {
    this.discovery = found;
    const domain = address.split('@')[1] ?? '';
    const start = found.mailbox ?? { ...blank, imapHost: '', smtpHost: '' };
    this.form = { ...start, address, user: start.user || address, name: this.form.name || start.name || domain, color: start.color, folders: [...start.folders] };
    this.step = 'servers';
    this.tokens = { ...noTokens };
    if (found.passwords === 'none') this.chooseAuth('xoauth2');
  }

  #givenPassword(): string | null {
    return this.form.auth !== 'password' || this.password === '' ? null : this.password;
  }

  #givenTokens(): TokensForm | null {
    if (this.form.auth !== 'xoauth2' || isBlank(this.tokens)) return null;
    const { clientId, clientSecret, refreshToken, tokenEndpoint } = this.tokens;
    return { clientId: clientId.trim(), clientSecret: clientSecret.trim(), refreshToken: refreshToken.trim(), tokenEndpoint: tokenEndpoint.trim() };
  }

  #sent(): MailboxForm {
    const form = $state.snapshot(this.form);
    return { ...form, imapHost: form.imapHost.trim(), smtpHost: form.smtpHost.trim(), user: form.user.trim(), name: form.name.trim(), folders: form.folders.map((folder) => folder.trim()).filter(Boolean) };
  }
}
