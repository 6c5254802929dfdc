import type { AccountView, CodeAsked, ErrorCode, FoundSession, ProxyForm, QrEvent, SignInStep, TelegramAccess, TelegramForm, TelegramUser } from '../bindings';
import { IpcError } from '../error';
import { iso } from './accounts';
import { type World, fail } from './backend';
import { telegramForm } from './chats';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A failed step as Rust tells it. */
function trouble(code: ErrorCode, detail = '', retryAfter: number | null = null): never {
  throw new IpcError({ code, detail, retryAfter });
}

interface SignIn {
  key: number;
  phone: string;
  account: string | null;
  proxy: ProxyForm | null;
  tell: ((event: QrEvent) => void) | null;
  timer: ReturnType<typeof setInterval> | undefined;
  asked: number;
  user: TelegramUser | null;
}

const HINT = 'як завжди, з роком';

/** Signing in to an invented Telegram. The number's last digits and the code decide what it plays. */
export function signInCommands(world: World) {
  const { bureau } = world;
  let serial = 0;
  let current: SignIn | null = null;

  function begin(access: TelegramAccess | null, phone: string): SignIn {
    if (current) clearInterval(current.timer);
    if (access) check(access);
    current = { key: ++serial, phone, account: access?.account ?? null, proxy: access?.proxy ?? null, tell: null, timer: undefined, asked: 0, user: null };
    return current;
  }

  function check(access: TelegramAccess): void {
    if (access.apiId === '666') trouble('api_id_invalid', '400 API_ID_INVALID');
    if (access.apiId === '777') trouble('api_id_published', '400 API_ID_PUBLISHED_FLOOD');
    if (access.proxy?.host.startsWith('nowhere')) trouble('proxy', 'connection refused (os error 111)');
  }

  const under = (key: number): SignIn => (current?.key === key ? current : trouble('sign_in_over'));

  function signedIn(signIn: SignIn): SignInStep {
    signIn.user = { id: '7000001', name: 'Ірина Коваль', username: 'koval_example', phone: signIn.phone || '+380000000011', dc: 2 };
    return { kind: 'signed_in', user: signIn.user };
  }

  function asked(signIn: SignIn): CodeAsked {
    signIn.asked += 1;
    const again = signIn.asked > 1;
    return { signIn: signIn.key, phone: signIn.phone, way: again ? 'sms' : 'app', length: 5, next: signIn.asked > 2 ? null : again ? 'call' : 'sms', againAfter: again ? null : 46 };
  }

  world.scan = (password: boolean) => {
    const signIn = current;
    if (!signIn?.tell) return;
    clearInterval(signIn.timer);
    signIn.tell({ kind: 'scanned', step: password ? { kind: 'password', hint: HINT } : signedIn(signIn) });
    signIn.tell = null;
  };
  world.failScan = (code: ErrorCode) => {
    const signIn = current;
    clearInterval(signIn?.timer);
    signIn?.tell?.({ kind: 'failed', trouble: { code, detail: '', retryAfter: null } });
  };

  const found = (format: string, more: Partial<FoundSession> = {}): FoundSession => ({ signIn: begin(null, '').key, format, dc: 2, address: null, userId: null, apiId: null, file: null, ...more });

  return {
    beginPhoneSignIn: async (access: TelegramAccess, phone: string) => {
      await pause(300);
      check(access);
      const digits = phone.replace(/\D/g, '');
      if (!/^\+?[\d\s()-]{7,20}$/.test(phone)) trouble('phone_invalid', '400 PHONE_NUMBER_INVALID');
      if (digits.endsWith('91')) trouble('sign_up_required');
      if (digits.endsWith('92')) trouble('banned', '400 PHONE_NUMBER_BANNED');
      if (digits.endsWith('93')) trouble('limited', '420 FLOOD_WAIT_221', 221);
      if (digits.endsWith('94')) trouble('network', 'connection reset by peer (os error 104)');
      if (digits.endsWith('95')) trouble('code_not_offered');
      return asked(begin(access, `+${digits}`));
    },
    resendCode: async (key: number) => {
      await pause(200);
      return asked(under(key));
    },
    submitCode: async (key: number, code: string): Promise<SignInStep> => {
      await pause(300);
      const signIn = under(key);
      if (code === '00000') trouble('wrong_code', '400 PHONE_CODE_INVALID');
      if (code === '11111') trouble('expired_code', '400 PHONE_CODE_EXPIRED');
      if (code === '33333') trouble('limited', '420 FLOOD_WAIT_12', 12);
      return code === '22222' ? { kind: 'password', hint: HINT } : signedIn(signIn);
    },
    submitPassword: async (key: number, password: string): Promise<SignInStep> => {
      await pause(300);
      const signIn = under(key);
      if (password === 'wrong') trouble('wrong_password', '400 PASSWORD_HASH_INVALID');
      return signedIn(signIn);
    },
    beginQrSignIn: async (access: TelegramAccess, tell: (event: QrEvent) => void) => {
      await pause(200);
      const signIn = begin(access, '');
      signIn.tell = tell;
      let count = 0;
      const draw = () => tell({ kind: 'code', url: `tg://login?token=AQL3x9YfQ7mR2sVw0bN8pK4dJ6hG1tZcE5uX_${signIn.key}_${++count}`, expiresAt: iso(world.now() + 30_000) });
      draw();
      signIn.timer = setInterval(draw, 30_000);
      return signIn.key;
    },
    inspectSession: async (text: string) => {
      await pause(200);
      const clean = text.trim();
      if (clean === '') trouble('session_empty');
      if (clean.length > 100_000) trouble('session_too_long');
      if (/^["'«]/.test(clean)) trouble('session_quoted');
      if (/\s/.test(clean)) trouble('session_spaces');
      if (clean.startsWith('1') && clean.length > 40) return found('Telethon', { address: '149.154.167.51:443' });
      if (clean.startsWith('1')) trouble('session_truncated');
      if (clean.startsWith('B')) return found('Pyrogram 2', { dc: 4, userId: '7000001', apiId: 17_349 });
      return trouble('session_unknown');
    },
    inspectSessionFile: async () => {
      await pause(200);
      return found('Telethon', { file: 'bureau.session', address: '149.154.167.51:443' });
    },
    useSession: async (key: number, access: TelegramAccess, _phone: string | null, own: boolean): Promise<SignInStep> => {
      await pause(400);
      const signIn = under(key);
      check(access);
      if (access.apiId === '555') trouble('session_duplicated', '406 AUTH_KEY_DUPLICATED');
      signIn.account = access.account;
      signIn.proxy = access.proxy;
      return own && access.apiId === '22222' ? { kind: 'password', hint: null } : signedIn(signIn);
    },
    finishSignIn: async (key: number, form: TelegramForm): Promise<AccountView> => {
      await pause(300);
      const signIn = under(key);
      const user = signIn.user ?? trouble('sign_in_over');
      if (bureau.accounts.some((account) => account.telegram?.phone === user.phone)) trouble('already_exists');
      const account: AccountView = {
        id: `tg-${bureau.accounts.length}`, channel: 'telegram', name: form.name, code: form.name.slice(0, 2).toUpperCase(), color: form.color || 1, address: user.phone ?? '', enabled: true, muted: false, state: { kind: 'idle' }, stateSince: iso(world.now()),
        lastMessageAt: null, lastHeardAt: null, lagMs: null, backlog: 500, lastError: null, unread: 0, stored: 0, quarantined: 0, mailbox: null,
        telegram: { phone: user.phone ?? '', userName: user.name, username: user.username, apiId: 17_349, dc: user.dc, settings: { ...form, proxy: signIn.proxy } }, history: Array.from({ length: 96 }, () => 'none' as const),
      };
      bureau.accounts.push(account);
      current = null;
      world.sync(account);
      return account;
    },
    finishSignInAgain: async (key: number): Promise<AccountView> => {
      await pause(300);
      const signIn = under(key);
      const account = bureau.accounts.find((candidate) => candidate.id === signIn.account) ?? trouble('not_found');
      if (account.id === 'tg-frozen') trouble('other_user');
      account.lastError = null;
      current = null;
      world.sync(account);
      return account;
    },
    cancelSignIn: async (key: number) => {
      if (current?.key === key) {
        clearInterval(current.timer);
        current = null;
      }
      return null;
    },
    updateTelegram: async (id: string, form: TelegramForm) => {
      await pause(200);
      const account = bureau.accounts.find((candidate) => candidate.id === id) ?? fail('not_found');
      if (form.proxy?.host.startsWith('nowhere')) fail('proxy', 'connection refused (os error 111)');
      Object.assign(account, { name: form.name, color: form.color || account.color });
      if (account.telegram) account.telegram.settings = { ...telegramForm('', 0), ...form };
      world.listeners?.accountsChanged({ accounts: structuredClone(bureau.accounts) });
      return null;
    },
    testProxy: async (_account: string | null, proxy: ProxyForm) => {
      await pause(300);
      if (proxy.host.startsWith('nowhere')) fail('proxy', 'connection refused (os error 111)');
      return null;
    },
  };
}
