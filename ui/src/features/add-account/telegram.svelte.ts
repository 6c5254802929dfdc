import { type AccountView, type CodeAsked, type FoundSession, IpcError, type QrEvent, type SignInStep, type TelegramAccess, type TelegramForm, type TelegramUser, ipc } from '../../ipc/client';
import { clock } from '../../state/clock.svelte';
import { isName } from './checks';
import { type TelegramField, badKeys, badProxy, fieldOf, isPhone } from './telegramChecks';

export const telegramSteps = ['way', 'enter', 'password', 'chats', 'done'] as const;
export type TelegramStep = (typeof telegramSteps)[number];

export const ways = ['phone', 'qr', 'session'] as const;
export type Way = (typeof ways)[number];

export const freshForm = (): TelegramForm => ({ name: '', color: 0, groups: true, channels: false, bots: false, historyDays: 30, markRead: true, fileLimitKib: 10_240, proxy: null });

/** What was typed and left by way of another screen; it is there again on the way back. */
let kept: TelegramWizard | null = null;

/** The wizard of an account that signs in again, or of a new one: the one that was left, or a fresh one. */
export function telegramFor(account: AccountView | undefined): TelegramWizard {
  const wizard = kept !== null && !kept.over && kept.account?.id === account?.id ? kept : new TelegramWizard(account);
  if (kept !== null && kept !== wizard) void kept.cancel();
  kept = null;
  return wizard;
}

/** Keeps a wizard that holds something typed, without what is secret in it. */
export function keepTelegram(wizard: TelegramWizard): void {
  wizard.forgetSecrets();
  if (wizard.dirty && !wizard.over) kept = wizard;
  else void wizard.cancel();
}

/** Signing in to Telegram by steps. Nothing is kept anywhere until the last step has been answered. */
export class TelegramWizard {
  step = $state<TelegramStep>('way');
  way = $state<Way>('phone');
  phone = $state('');
  apiId = $state('');
  apiHash = $state('');
  session = $state('');
  /** The number the session should be of; the account's old one may have changed since. */
  sessionPhone = $state('');
  proxyOn = $state(false);
  proxyHost = $state('');
  proxyPort = $state(1080);
  proxyUser = $state('');
  proxyPassword = $state('');
  code = $state('');
  password = $state('');
  hint = $state<string | null>(null);
  asked = $state.raw<CodeAsked | null>(null);
  askedAt = $state(0);
  qr = $state.raw<{ url: string; expiresAt: string } | null>(null);
  found = $state.raw<FoundSession | null>(null);
  own = $state(true);
  user = $state.raw<TelegramUser | null>(null);
  form = $state<TelegramForm>(freshForm());
  error = $state.raw<IpcError | null>(null);
  /** Until when Telegram asks to wait, in Unix milliseconds. */
  waitUntil = $state<number | null>(null);
  busy = $state(false);
  bad = $state.raw<readonly TelegramField[]>([]);
  /** Saved or given up: nothing is left to be kept. */
  over = false;
  /** The key of the account once it is saved. */
  saved = $state<string | null>(null);

  /** The account that signs in again; undefined when one is added. */
  readonly account: AccountView | undefined;
  #signIn: number | null = null;
  #epoch = 0;
  /** What the sign-in under way began with, for a new code of the same; the fields are empty by then. */
  #access: TelegramAccess | null = null;

  constructor(account: AccountView | undefined) {
    this.account = account;
    if (!account?.telegram) return;
    this.phone = account.telegram.phone;
  }

  get dirty(): boolean {
    if (this.account) return this.#signIn !== null || this.apiId !== '' || this.apiHash !== '' || this.session !== '';
    return [this.phone, this.sessionPhone, this.apiId, this.apiHash, this.session].some((text) => text.trim() !== '') || this.#signIn !== null;
  }

  /** Whether the API hash that was typed is still known to the wizard, though its field is empty. */
  get hashKept(): boolean {
    return this.apiHash === '' && this.#access?.apiHash != null;
  }

  clearSecrets(): void {
    this.code = '';
    this.password = '';
    this.session = '';
    this.proxyPassword = '';
    this.apiHash = '';
  }

  /** Empties the fields, and what they began with: the program holds that itself while the sign-in lasts. */
  forgetSecrets(): void {
    this.clearSecrets();
    this.#access = null;
  }

  choose(way: Way): void {
    this.way = way;
    this.#told(null);
  }

  /** From the first step to the second, whichever way was chosen. */
  async begin(): Promise<void> {
    if (this.way === 'session') {
      if (this.session.trim() === '') this.bad = ['session'];
      else await this.#inspect(() => ipc.inspectSession(this.session));
      return;
    }
    const bad = this.#badAccess();
    if (this.way === 'phone' && !isPhone(this.phone)) bad.unshift('phone');
    this.bad = bad;
    this.error = null;
    if (bad.length > 0) return;
    if (this.way === 'phone') await this.#askCode();
    else await this.showQr();
  }

  /** Recognises a session file that is asked for. */
  async pickFile(): Promise<void> {
    await this.#inspect(() => ipc.inspectSessionFile());
  }

  async #inspect(look: () => Promise<FoundSession | null>): Promise<void> {
    const found = await this.#asking(look);
    // What was pasted is with the program, which holds it no longer than the sign-in lasts.
    this.session = '';
    if (!found) return;
    this.#signIn = found.signIn;
    this.found = found;
    if (found.apiId !== null && this.apiId === '') this.apiId = String(found.apiId);
    this.step = 'enter';
  }

  async #askCode(): Promise<void> {
    const access = this.#given();
    const asked = await this.#asking(() => ipc.beginPhoneSignIn(access, this.phone.trim()));
    if (!asked) return;
    this.#begun(asked.signIn, access);
    this.#codeAsked(asked);
    this.step = 'enter';
  }

  /** Lets Telegram send the code again. */
  async resend(): Promise<void> {
    const key = this.#signIn;
    if (key === null) return;
    const asked = await this.#asking(() => ipc.resendCode(key));
    if (asked) this.#codeAsked(asked);
  }

  #codeAsked(asked: CodeAsked): void {
    this.asked = asked;
    this.askedAt = clock.exact();
    this.code = '';
  }

  /** Shows a QR code, and the next one when it has expired. */
  async showQr(): Promise<void> {
    const bad = this.#badAccess();
    if (bad.length > 0) {
      // The keys are not known here any more.
      this.restart();
      this.bad = bad;
      return;
    }
    const access = this.#given();
    this.qr = null;
    const epoch = this.#epoch + 1;
    const take = (event: QrEvent) => {
      if (epoch === this.#epoch) this.#qrTold(event);
    };
    const key = await this.#asking(() => ipc.beginQrSignIn(access, take));
    if (key === null) return;
    this.#begun(key, access);
    this.step = 'enter';
  }

  #qrTold(event: QrEvent): void {
    if (event.kind === 'code') this.qr = { url: event.url, expiresAt: event.expiresAt };
    else {
      this.qr = null;
      if (event.kind === 'scanned') void this.#reached(event.step);
      else this.#told(new IpcError(event.trouble));
    }
  }

  async submitCode(): Promise<void> {
    const code = this.code.replace(/[\s-]/g, '');
    this.bad = code === '' ? ['code'] : [];
    this.error = null;
    const key = this.#signIn;
    if (code === '' || key === null) return;
    this.code = '';
    const step = await this.#asking(() => ipc.submitCode(key, code));
    if (step) await this.#reached(step);
  }

  async submitPassword(): Promise<void> {
    const { password } = this;
    this.bad = password === '' ? ['password'] : [];
    this.error = null;
    const key = this.#signIn;
    if (password === '' || key === null) return;
    this.password = '';
    const step = await this.#asking(() => ipc.submitPassword(key, password));
    if (step) await this.#reached(step);
  }

  async useSession(): Promise<void> {
    this.bad = this.#badAccess();
    const said = this.sessionPhone.trim();
    if (said !== '' && !isPhone(said)) this.bad = ['phone', ...this.bad];
    this.error = null;
    const key = this.#signIn;
    if (this.bad.length > 0 || key === null) return;
    const access = this.#given();
    const step = await this.#asking(() => ipc.useSession(key, access, said || null, this.own));
    if (!step) return;
    this.#begun(key, access);
    await this.#reached(step);
  }

  /** Saves the account; says whether it was taken. */
  async finish(): Promise<boolean> {
    const key = this.#signIn;
    this.bad = this.account || isName(this.form.name) ? [] : ['name'];
    if (key === null || this.bad.length > 0) return false;
    const form = { ...$state.snapshot(this.form), name: this.form.name.trim() };
    const saved = await this.#asking(() => (this.account ? ipc.finishSignInAgain(key) : ipc.finishSignIn(key, form)));
    if (!saved) return false;
    this.over = true;
    this.saved = saved.id;
    this.#signIn = null;
    this.forgetSecrets();
    return true;
  }

  /** Back to the first step, with the same keys; what was under way is ended. */
  restart(): void {
    void this.#end();
    this.step = 'way';
    this.#told(null);
  }

  /** Ends a sign-in that is under way, and forgets what it began with. */
  async cancel(): Promise<void> {
    this.#access = null;
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#epoch += 1;
    const key = this.#signIn;
    this.#signIn = null;
    this.busy = false;
    this.qr = null;
    this.asked = null;
    this.found = null;
    this.user = null;
    this.clearSecrets();
    if (key !== null) await ipc.cancelSignIn(key).catch(() => undefined);
  }

  async #reached(step: SignInStep): Promise<void> {
    if (step.kind === 'password') {
      this.hint = step.hint;
      this.step = 'password';
      return;
    }
    this.user = step.user;
    if (this.form.name === '') this.form.name = step.user.name;
    this.step = this.account ? 'done' : 'chats';
  }

  #begun(key: number, access: TelegramAccess): void {
    this.#signIn = key;
    this.#access = access;
    this.apiHash = '';
    this.proxyPassword = '';
  }

  /** Asks the program; what fails is told at its field or above the step. Null too when somebody has gone on meanwhile. */
  async #asking<T>(ask: () => Promise<T>): Promise<T | null> {
    const epoch = ++this.#epoch;
    this.busy = true;
    this.#told(null);
    try {
      const answer = await ask();
      return epoch === this.#epoch ? answer : null;
    } catch (thrown) {
      if (epoch === this.#epoch) this.#told(IpcError.from(thrown));
      return null;
    } finally {
      if (epoch === this.#epoch) this.busy = false;
    }
  }

  #told(error: IpcError | null): void {
    this.error = error;
    this.waitUntil = error?.retryAfter ? clock.exact() + error.retryAfter * 1000 : null;
    const field = error && fieldOf(error.code);
    const here: Record<TelegramStep, readonly TelegramField[]> = { way: ['phone', 'apiId', 'apiHash', 'session', 'proxyHost', 'proxyPort'], enter: this.way === 'session' ? ['phone', 'apiId', 'apiHash', 'proxyHost'] : ['code'], password: ['password'], chats: [], done: ['name'] };
    this.bad = field && here[this.step].includes(field) ? [field] : [];
  }

  #badAccess(): TelegramField[] {
    const bad = badKeys({ apiId: this.apiId, apiHash: this.hashKept ? '0'.repeat(32) : this.apiHash }, this.account !== undefined);
    return this.proxyOn ? [...bad, ...badProxy(this.proxyHost, this.proxyPort)] : bad;
  }

  #given(): TelegramAccess {
    const or = (text: string) => (text.trim() === '' ? null : text.trim());
    return {
      account: this.account?.id ?? null,
      apiId: or(this.apiId),
      apiHash: or(this.apiHash) ?? this.#access?.apiHash ?? null,
      proxy: this.proxyOn ? { host: this.proxyHost.trim(), port: this.proxyPort, user: or(this.proxyUser) } : null,
      proxyPassword: this.proxyOn ? (this.proxyPassword || this.#access?.proxyPassword || null) : null,
    };
  }
}
