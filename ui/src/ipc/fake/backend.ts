import type { AccountView, AppStatus, AwayView, Check, CheckState, CompletenessView, ConversationKey, ErrorCode, FactsArrived, Finding, FirstRunStepName, LogAnchor, LogFilter, LogProgress, LogStats, MailDraftForm, MessageKey, OutgoingView, Preferences, QuarantinedView, SelfTestView, StationView, Template, TextForm, Triage } from '../bindings';
import type { Backend, Listeners } from '../backend';
import { IpcError } from '../error';
import { NOON, iso } from './accounts';
import { Bureau } from './bureau';
import { accountCommands } from './accountCommands';
import { adoptionCommands } from './adoptionCommands';
import { chatCommands } from './chatCommands';
import { inboxCommands } from './inboxCommands';
import { mailCommands } from './mailCommands';
import { LogSearches, Logbook } from './logs';
import { Monitor, monitorCommands } from './monitorCommands';
import { begunTemplates, peopleCommands } from './peopleCommands';
import { firstRunCommands } from './firstRunCommands';
import { reportCommands } from './reportCommands';
import { signInCommands } from './signInCommands';
import { triageCommands } from './triageCommands';
import { updateCommands } from './updateCommands';

/** How the tests and `npm run dev` steer the invented bureau: `window.bureau`. */
export interface Controls {
  deliver(place: number | null, subject?: string): string;
  burst(count: number, perFact: number): void;
  status(status: AppStatus): void;
  clickLink(mismatched: boolean): void;
  grow(lines: number): void;
  /** The next so many events do not reach the window. */
  lose(events: number): void;
  /** When the first and the last line of the log were written. */
  logTimes(): { from: number; to: number };
  /** A mail arrives that the window has not been told of yet. */
  meanwhile(id: string): void;
  /** Somebody at another computer says whose turn it is, or who takes care. */
  triageElsewhere(id: string, change: { triage?: Triage; assignee?: string | null }): void;
  /** Marks the newest conversations read, as from another computer. */
  readElsewhere(count: number): void;
  /** Removes an account and keeps its messages, as from another computer. */
  removeElsewhere(account: string): void;
  /** Makes a command fail, or work again. */
  fail(command: string, on: boolean): void;
  /** Makes a command take so many milliseconds. */
  slow(command: string, ms: number): void;
  /** Somebody writes in a chat. */
  write(chat: string, text: string): void;
  /** A phone scans the QR code that is shown. */
  scan(password: boolean): void;
  /** The QR sign-in that is shown cannot go on. */
  failScan(code: ErrorCode): void;
  /** A notice of the system is clicked. */
  clickNotice(conversation: ConversationKey | null): void;
  /** Do not disturb is chosen in the tray. */
  quiet(on: boolean): void;
  /** Another desktop keeps a template. */
  template(template: Template): void;
  /** What is coming over from the old CRM has come. */
  adoptionEnds(): void;
  /** The conversation that the window last said to be in front. */
  front(): string | null;
  calls: Record<string, number>;
  painted: string[];
  /** The mails that were sent off, as their forms were. */
  mails: MailDraftForm[];
  /** The same of chats: what was sent off, and what was changed afterwards. */
  texts: TextForm[];
  edits: Pick<TextForm, 'text' | 'entities'>[];
}

/** Everything the commands share. */
export interface World {
  bureau: Bureau;
  logbook: Logbook;
  logSearches: LogSearches;
  /** Until when details are written to the log too. */
  detailsUntil: number | null;
  status: AppStatus;
  preferences: Preferences;
  listeners: Listeners | null;
  /** Tells the window of facts, with the next number. */
  tell: (facts: Omit<FactsArrived, 'number'>) => void;
  monitor: Monitor;
  /** Whether a panic has left a note that nobody has put aside. */
  panicked: boolean;
  /** The database does not answer. */
  stopped: boolean;
  now: () => number;
  painted: string[];
  templates: Template[];
  /** Mails on their way, and all that were sent off. */
  outbox: OutgoingView[];
  mails: MailDraftForm[];
  texts: TextForm[];
  edits: Pick<TextForm, 'text' | 'entities'>[];
  front: string | null;
  completeness: CompletenessView[];
  shelf: QuarantinedView[];
  away: AwayView | null;
  scenario: string;
  /** Whether somebody has opened the vault. */
  vault: boolean;
  loggers: Map<number, (grew: { written: number }) => void>;
  /** Plays a first sync; the account commands provide it. */
  sync: (account: AccountView) => void;
  /** The sign-in commands provide these. */
  scan: (password: boolean) => void;
  failScan: (code: ErrorCode) => void;
  /** The adoption's commands provide this. */
  adoptionEnds: () => void;
}

export const fail = (code: ConstructorParameters<typeof IpcError>[0]['code'], detail = ''): never => {
  throw new IpcError({ code, detail });
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const known = ['first', 'ready', 'empty', 'starting', 'vault-new', 'vault-open', 'profile'];

/** What comparing an account finds; its second folder lacks a few. */
function compared(world: World, account: string, missing = 0): CompletenessView[] {
  const found = world.bureau.accounts.find(({ id }) => id === account);
  if (found?.channel === 'telegram') {
    // Of hundreds of chats two have a gap, unless everything is here.
    return Array.from({ length: 214 }, (_, n) => ({ account, mailbox: `user:${n}`, name: ['Олена Вербицька', 'Постачальники'][n] ?? `Чат ${n}`, checkedAt: iso(world.now() - 240_000), held: 12, missing: n < 2 ? Math.min(missing, n + 1) : 0 }));
  }
  const stored = found?.stored ?? 0;
  const sent = Math.round(stored / 8);
  const folder = (mailbox: string, held: number, missing: number): CompletenessView => ({ account, mailbox, name: mailbox, checkedAt: iso(world.now() - 240_000), held, missing });
  return [folder('INBOX', stored - sent, missing), folder('Sent', sent, 0)];
}

/** What could not be read: the mail that the list shows so, and others of each kind. */
function shelved(world: World): QuarantinedView[] {
  const [first, second] = world.bureau.accounts;
  const talk = world.bureau.rows().find((row) => row.unreadable);
  if (!first || !second || !talk) return [];
  const sketches = [
    { account: talk.key.account, place: 'INBOX', reason: 'it nests too many parts for its size', size: 81_204, whole: true, tries: 1 },
    { account: first.id, place: 'Sent', reason: 'the message has 412 MB, more than the 256 MB that are read', size: 2_310, whole: false, tries: 4 },
    { account: second.id, place: 'INBOX', reason: 'the server lists this message and gives nothing of it', size: 0, whole: false, tries: 2 },
    ...Array.from({ length: 19 }, (_, n) => ({ account: first.id, place: 'INBOX', reason: 'The database refused it: value out of range', size: 4_000 + n, whole: true, tries: 1 })),
  ];
  return sketches.map(({ account, ...rest }, n) => ({ ...rest, key: { account, id: `shelf-${n}` }, conversation: talk.key, number: 700 - n, receivedAt: iso(NOON - n * 7_200_000), lastTriedAt: iso(NOON - 60_000), dismissed: false }));
}

/** An in-memory stand-in for Rust. `?scenario=…` in the address chooses what it plays. */
export function fakeBackend(): Backend {
  const query = new URLSearchParams(location.search);
  const scenario = query.get('scenario') ?? 'ready';
  const started = performance.now();
  const now = () => Math.round(NOON + performance.now() - started);
  const bureau = new Bureau(scenario === 'empty' || scenario === 'first' ? 0 : Number(query.get('conversations') ?? 3000), now, query.has('telegram'));
  /** So many events are lost on their way. */
  let losing = 0;
  const world: World = {
    bureau,
    logbook: new Logbook(4000, bureau.accounts),
    logSearches: new LogSearches(query.has('slowLog')),
    detailsUntil: null,
    status: statusOf(scenario),
    preferences: { language: query.get('language'), theme: (query.get('theme') as Preferences['theme'] | null) ?? 'system', compact: query.has('compact'), logLevel: 'info', serverUrl: null, notices: { enabled: true, preview: true, sound: true, doNotDisturb: false, quietHours: query.has('quiet'), quietFrom: '20:00', quietTo: '08:00' }, closeToTray: true, undoSeconds: Number(query.get('undo') ?? 5), chatUndoSeconds: Number(query.get('chatUndo') ?? 0), me: query.has('nobody') ? null : (query.get('me') ?? 'Ірина Коваль'), managers: query.has('nobody') ? [] : ['Ірина Коваль', 'Марко Дуб', 'Софія Лозова'], businessHours: { days: [1, 2, 3, 4, 5, 6, 7], from: '09:00', to: '18:00' }, firstRun: scenario === 'first' ? ((query.get('step') as FirstRunStepName | null) ?? 'language') : null, backupFolder: null },
    listeners: null,
    tell: (facts) => {
      const number = world.monitor.tell(facts);
      if (losing > 0) losing -= 1;
      else world.listeners?.factsArrived({ number, ...facts });
    },
    monitor: new Monitor(now),
    panicked: query.has('panicked'),
    stopped: query.has('stopped'),
    now,
    painted: [],
    templates: scenario === 'empty' ? [] : [...begunTemplates],
    outbox: [],
    mails: [],
    texts: [],
    edits: [],
    front: null,
    completeness: [],
    shelf: [],
    away: query.has('away')
      ? { beganAt: iso(NOON - 50 * 3_600_000), endedAt: iso(NOON - 3_600_000), accounts: [{ account: bureau.accounts[0]?.id ?? '', came: 14 }, { account: bureau.accounts[1]?.id ?? '', came: 3 }], waiting: 5, longest: bureau.rows()[3]?.key ?? null, longestSince: iso(NOON - 47 * 3_600_000), late: 2 }
      : null,
    scenario,
    vault: false,
    loggers: new Map(),
    sync: () => undefined,
    scan: () => undefined,
    failScan: () => undefined,
    adoptionEnds: () => undefined,
  };
  const comparable = [...bureau.accounts.filter((account) => account.channel === 'email').slice(0, 3), ...bureau.accounts.filter((account) => account.channel === 'telegram').slice(0, 1)];
  world.completeness = comparable.flatMap((account, n) => compared(world, account.id, n % 2 === 1 ? 3 : 0));
  world.shelf = shelved(world);
  const calls: Record<string, number> = {};
  const failing = new Set<string>();
  const slow = new Map<string, number>();
  Object.assign(window, { bureau: { ...controls(world, calls, failing, slow), lose: (events: number) => void (losing = events) } });
  Object.assign(Date, { now });
  if (query.has('alive')) setInterval(() => (window as unknown as { bureau: Controls }).bureau.deliver(Math.random() < 0.3 ? null : Math.floor(Math.random() * 40)), 4000);
  setInterval(() => grow(world, 3), 1000);
  const commands = { ...appCommands(world), ...inboxCommands(world), ...accountCommands(world), ...mailCommands(world, chatCommands(world)), ...signInCommands(world), ...peopleCommands(world), ...triageCommands(world), ...monitorCommands(world), ...reportCommands(world), ...updateCommands(), ...adoptionCommands(world) } as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const counted: Record<string, (...args: unknown[]) => Promise<unknown>> = {};
  for (const [name, command] of Object.entries(commands)) {
    counted[name] = async (...args) => {
      calls[name] = (calls[name] ?? 0) + 1;
      await pause(slow.get(name) ?? 1);
      if (failing.has(name)) fail('database', 'connection closed');
      return structuredClone(await command(...args));
    };
  }
  return {
    commands: counted as unknown as Backend['commands'],
    async listen(listeners) {
      world.listeners = listeners;
      return () => (world.listeners = null);
    },
  };
}

function statusOf(scenario: string): AppStatus {
  if (scenario === 'first') return { phase: 'first_run' };
  if (scenario === 'starting') return { phase: 'starting', step: 'database' };
  if (scenario === 'vault-new' || scenario === 'vault-open') return { phase: 'needs_vault', exists: scenario === 'vault-open', reason: 'org.freedesktop.secrets: The name is not activatable' };
  if (scenario === 'profile') return { phase: 'profile_trouble', detail: '/home/bureau/.local/share/skrynka: Read-only file system (os error 30)' };
  if (!known.includes(scenario)) return { phase: 'database_trouble', code: scenario.replace('db-', '') as never, detail: 'connection refused (os error 111)', since: new Date(NOON - 193_000).toISOString() };
  return { phase: 'ready' };
}

function grow(world: World, lines: number): void {
  for (let i = 0; i < lines; i++) world.logbook.write(world.now());
  for (const grew of world.loggers.values()) grew({ written: world.logbook.rows.length });
}

function controls(world: World, calls: Record<string, number>, failing: Set<string>, slow: Map<string, number>): Omit<Controls, 'lose'> {
  const { bureau } = world;
  const tell = (keys: ReturnType<Bureau['deliver']>[], overflowed = false) => {
    world.tell({ conversations: overflowed ? [] : keys, merged: [], messages: [], newMessages: keys.length, overflowed, countsChanged: true });
  };
  return {
    deliver(place, subject) {
      const key = bureau.deliver(place, subject);
      tell([key]);
      return key.id;
    },
    meanwhile: (id) => void bureau.deliver(bureau.rows().findIndex((row) => row.key.id === id)),
    triageElsewhere(id, change) {
      bureau.enter(id, change);
      const row = bureau.talks.get(id)?.row;
      if (row) world.tell({ conversations: [row.key], merged: [], messages: [], newMessages: 0, overflowed: false, countsChanged: true });
    },
    burst(count, perFact) {
      // All mails exist before the first is told, so that the frames hold the window's work and little of ours.
      const keys = Array.from({ length: count }, () => bureau.deliver(null));
      let at = 0;
      const step = () => {
        const part = keys.slice(at, at + perFact);
        at += perFact;
        tell(part, part.length > 200);
        if (at < count) setTimeout(step, 16);
      };
      setTimeout(step, 100);
    },
    status(status) {
      world.status = status;
      world.listeners?.statusChanged(status);
    },
    clickLink(mismatched) {
      world.listeners?.linkClicked({
        link: { text: mismatched ? 'https://bank.example.ua' : 'tender.example.org/lot4', url: mismatched ? 'https://xn--bnk-5cd.example.net/login?session=8f2a' : 'https://tender.example.org/lot4', host: mismatched ? 'xn--bnk-5cd.example.net' : 'tender.example.org', mismatched },
      });
    },
    grow: (lines) => grow(world, lines),
    logTimes: () => ({ from: Date.parse(world.logbook.rows[0]?.at ?? ''), to: Date.parse(world.logbook.rows.at(-1)?.at ?? '') }),
    readElsewhere(count) {
      const rows = bureau.rows().slice(0, count);
      for (const row of rows) {
        const talk = bureau.talks.get(row.key.id);
        if (talk) Object.assign(talk, { row: { ...row, unread: 0 }, unreadFrom: 0 });
      }
      tell(rows.map((row) => row.key), rows.length > 200);
    },
    removeElsewhere(id) {
      bureau.accounts.splice(bureau.accounts.findIndex((account) => account.id === id), 1);
      world.listeners?.accountsChanged({ accounts: structuredClone(bureau.accounts) });
    },
    fail(command, on) {
      if (on) failing.add(command);
      else failing.delete(command);
    },
    slow: (command, ms) => void slow.set(command, ms),
    write(chat, text) {
      tell([bureau.write(chat, text)]);
    },
    scan: (password) => world.scan(password),
    failScan: (code) => world.failScan(code),
    adoptionEnds: () => world.adoptionEnds(),
    clickNotice: (conversation) => world.listeners?.noticeOpened({ conversation }),
    quiet(doNotDisturb) {
      world.preferences = { ...world.preferences, notices: { ...world.preferences.notices, doNotDisturb } };
      world.listeners?.preferencesChanged(structuredClone(world.preferences));
    },
    template: (template) => void world.templates.push(template),
    front: () => world.front,
    calls,
    painted: world.painted,
    mails: world.mails,
    texts: world.texts,
    edits: world.edits,
  };
}

function appCommands(world: World) {
  const logStats = (): LogStats => ({ kib: 84_000, capKib: 100_000, dropped: 0, memoryOnly: null, level: world.preferences.logLevel, detailsUntil: world.detailsUntil === null ? null : iso(world.detailsUntil) });
  return {
    appStatus: async () => world.status,
    openVault: async (passphrase: string) => {
      await pause(200);
      if (world.scenario === 'vault-open' && passphrase !== 'чотири випадкові слова тут') fail('wrong_passphrase');
      world.vault = true;
      world.status = world.status.phase === 'first_run' ? world.status : { phase: 'ready' };
      world.listeners?.statusChanged(world.status);
      return null;
    },
    retryStart: async () => {
      await pause(300);
      world.status = { phase: 'ready' };
      world.listeners?.statusChanged(world.status);
      return null;
    },
    preferences: async () => world.preferences,
    ...firstRunCommands(world),
    setPreferences: async (preferences: Preferences) => {
      const { businessHours } = preferences;
      if (businessHours.from >= businessHours.to) fail('invalid_input', 'business_hours');
      const managers = [...new Set(preferences.managers.map((name) => name.trim().replace(/\s+/gu, ' ')).filter(Boolean))];
      const me = preferences.me !== null && managers.includes(preferences.me) ? preferences.me : null;
      world.preferences = { ...preferences, managers, me };
      return null;
    },
    useServer: async (url: string | null) => {
      world.preferences = { ...world.preferences, serverUrl: url };
      return null;
    },
    about: async () => ({ version: '0.1.0', profile: '/home/bureau/.local/share/dev.skrynka.desktop', database: 'private', secrets: 'keyring', systemLanguage: 'uk-UA', panickedAt: world.panicked ? iso(NOON - 380_000) : null }),
    diagnostics: async () => {
      await pause(150);
      const at = new Date(world.now()).toISOString();
      const check = (name: string, state: CheckState, finding: Finding, repair: string | null = null, account: AccountView | null = null): Check => ({ name, account: account?.id ?? null, accountName: account?.name ?? null, state, finding, repair, since: state === 'ok' ? at : iso(world.now() - 5_400_000), checkedAt: at });
      const first = world.bureau.accounts[0] ?? null;
      const open = world.shelf.filter((row) => !row.dismissed).length;
      const checks = [
        world.stopped
          ? check('database', 'failed', { kind: 'trouble', why: { code: 'database', detail: 'the database does not answer: Connection refused (os error 111)' } }, 'retry_database')
          : check('database', 'ok', { kind: 'database', version: '18.1', private: true, fsync: true, checksums: true, mib: 4006, ms: 1, connections: 9, maxConnections: 100 }),
        check('versions', 'ok', { kind: 'versions', program: '0.1.0', webview: '2.48.1', system: 'linux', why: null }),
        check('queries', 'ok', { kind: 'statements', longestS: 0, waiting: 0 }),
        check('schema', 'ok', { kind: 'schema', applied: 41 }),
        check('columns', 'ok', { kind: 'columns_right' }),
        check('search', 'ok', { kind: 'search', pending: 0 }),
        check('events', 'ok', { kind: 'events', sent: 214, confirmed: 214, quietS: 3 }),
        check('secrets', 'ok', { kind: 'secrets_answer', store: 'keyring' }),
        check('disk', 'warn', { kind: 'room', freeMib: 380 }, 'free_disk'),
        check('backup', 'warn', { kind: 'backup', at: iso(world.now() - 260_000_000), triedOut: true, fresh: false, why: '/media/backup: No such file or directory (os error 2)' }, 'backup'),
        check('logs', 'ok', { kind: 'log', kib: 11_200, files: 7, dropped: 0 }),
        ...(world.panicked ? [check('panics', 'warn', { kind: 'panics', count: 1, at: '2026-11-22T09:58:04.120Z', version: '0.1.0', location: 'src/engine/supervisor.rs:211:9', said: 'index out of bounds' }, 'support_report')] : []),
        check('quarantine', open > 0 ? 'warn' : 'ok', { kind: 'quarantine', open, dismissed: world.shelf.length - open }, open > 0 ? 'quarantine' : null),
        ...world.bureau.accounts.map((account) => {
          const finding: Finding = { kind: 'listener', state: account.state, since: account.stateSince, unheardMin: null, slowMs: null };
          const kind = account.state.kind;
          if (kind === 'needs_sign_in' || kind === 'misconfigured') return check('account', 'failed', finding, 'sign_in', account);
          if (kind === 'backing_off') return check('account', 'warn', finding, 'retry_account', account);
          return check('account', kind === 'limited' ? 'warn' : 'ok', finding, null, account);
        }),
        check('clock', 'warn', { kind: 'clock', databaseMs: null, serversS: 7260 }, 'set_clock'),
        check('silence', 'warn', { kind: 'silence', since: '2026-11-22T08:05:00Z', usual: 9 }, 'retry_account', first),
        check('quota', 'warn', { kind: 'quota', usedMib: 4660, limitMib: 5120, percent: 91 }, 'empty_mailbox', first),
        check('connections', 'ok', { kind: 'connections', open: 2, limitedAt: null, said: null }, null, first),
        check('completeness', 'warn', { kind: 'completeness', missing: 3, held: 18_204, places: 4, chats: false, at: iso(world.now() - 1_900_000), unknown: ['INBOX.Архів'], unknownMore: 2 }, 'fetch_missing', first),
        check('certificate', 'warn', { kind: 'certificate', until: '2026-12-01T00:00:00Z', days: 8 }, 'renew_certificate', first),
      ];
      const needing = checks.filter((one) => one.repair !== null).length;
      world.listeners?.attentionChanged({ needing });
      return checks;
    },
    roomToMake: async () => ({ logs: 48_200, spooled: 0, opened: 7300, fetched: 1100 }),
    makeRoom: async () => ({ logs: 48_200, spooled: 0, opened: 7300, fetched: 1100 }),
    reopenSecrets: async () => null,
    repairLegacy: async () => ['public.telegram_accounts_before'],
    retryDatabase: async () => {
      await pause(100);
      world.stopped = false;
      return null;
    },
    openClock: async () => null,
    rebuildSearch: async (waiting: (left: number) => void) => {
      for (const left of [84_000, 31_000, 900]) {
        waiting(left);
        await pause(150);
      }
      return null;
    },
    selfTest: async (account: string, reached: (station: StationView) => void): Promise<SelfTestView> => {
      const kind = world.bureau.accounts.find((one) => one.id === account)?.state.kind;
      if (kind !== 'live') return { reached: [], failed: 'queued', why: { kind: 'not_connected' }, foundIn: [], repair: 'retry_account' };
      const conversation = { account, id: 'self-test' };
      const all: StationView[] = (['queued', 'accepted', 'seen', 'stored', 'announced', 'painted', 'removed'] as const).map((station, at) => ({ station, ms: [4, 61, 240, 246, 251, 273, 402][at] ?? 0, conversation }));
      const done: StationView[] = [];
      for (const station of all) {
        await pause(40);
        reached(station);
        done.push(station);
      }
      return { reached: done, failed: null, why: null, foundIn: [], repair: null };
    },
    away: async () => world.away,
    awaySeen: async () => {
      world.away = null;
      return null;
    },
    completeness: async () => world.completeness,
    checkCompleteness: async (account: string) => {
      await pause(400);
      world.completeness = [...world.completeness.filter((folder) => folder.account !== account), ...compared(world, account)];
      return world.completeness.filter((folder) => folder.account === account);
    },
    fetchMissing: async (account: string) => {
      await pause(400);
      world.completeness = world.completeness.map((folder) => (folder.account === account ? { ...folder, missing: 0, checkedAt: iso(world.now()) } : folder));
      return world.completeness.filter((folder) => folder.account === account);
    },
    quarantine: async (dismissed: boolean, after: string | null, limit: number) => {
      const rows = world.shelf.filter((row) => row.dismissed === dismissed);
      const from = after === null ? 0 : rows.findIndex((row) => row.key.id === after) + 1;
      const page = rows.slice(from, from + limit);
      return { rows: page, next: from + limit < rows.length ? (page.at(-1)?.key.id ?? null) : null, open: world.shelf.filter((row) => !row.dismissed).length, dismissed: world.shelf.filter((row) => row.dismissed).length };
    },
    // What is here whole can be read by now, the rest cannot.
    retryQuarantined: async ({ id }: MessageKey) => {
      await pause(300);
      const row = world.shelf.find((one) => one.key.id === id);
      if (!row || row.whole) {
        world.shelf = world.shelf.filter((one) => one.key.id !== id);
        return null;
      }
      const still = { ...row, tries: row.tries + 1, lastTriedAt: iso(world.now()) };
      world.shelf = world.shelf.map((one) => (one.key.id === id ? still : one));
      return still;
    },
    dismissQuarantined: async ({ id }: MessageKey, dismissed: boolean) => {
      world.shelf = world.shelf.map((one) => (one.key.id === id ? { ...one, dismissed } : one));
      return null;
    },
    uiReady: async () => null,
    uiLog: async (level: string, message: string, fields: unknown) => {
      console.warn(level, message, JSON.stringify(fields));
      return null;
    },
    logPage: (filter: LogFilter, anchor: LogAnchor, limit: number, search: number, told: (progress: LogProgress) => void) =>
      world.logSearches.run(filter.text !== '' && anchor.from === 'newest', search, told, world.logbook.rows.length, (stopped) => world.logbook.page(filter, anchor, limit, stopped)),
    logNews: async (filter: LogFilter, after: string | null, limit: number) => world.logbook.news(filter, after, limit),
    logHistogram: (filter: LogFilter, buckets: number, search: number, told: (progress: LogProgress) => void) =>
      world.logSearches.run(filter.text !== '', search, told, world.logbook.rows.length, (stopped) => (stopped ? null : world.logbook.histogram(filter, buckets))),
    stopLogSearch: async (search: number) => world.logSearches.stop(search),
    writeLogDetails: async (on: boolean) => {
      world.detailsUntil = on ? world.now() + 3_600_000 : null;
      return logStats();
    },
    exportLog: async () => ({ folder: '/home/office', saved: 1, failed: null }),
    followLogs: async (grew: (grew: { written: number }) => void) => {
      const id = world.loggers.size + 1;
      world.loggers.set(id, grew);
      return id;
    },
    unfollowLogs: async (id: number) => {
      world.loggers.delete(id);
      return null;
    },
    logStats: async () => logStats(),
  };
}
