import { type About, type AccountView, type AdoptionView, type AppStatus, type Counts, type ConversationKey, type FactsArrived, type FirstRunStepName, IpcError, type LinkView, type NoticePreferences, type Preferences, ipc, listen } from '../ipc/client';
import { languageFor, speak } from '../i18n/index.svelte';
import { clock, touchClock } from './clock.svelte';

/** Counts are asked for at most this often, in milliseconds. */
const COUNTS_EVERY = 250;
const COUNTS_AFTER = 100;
/** The window says this often that it lives and what it has taken, and sooner after something came, in milliseconds. */
const BEAT = 10_000;
const CONFIRM = 1000;

const notices: NoticePreferences = { enabled: true, preview: true, sound: true, doNotDisturb: false, quietHours: false, quietFrom: '20:00', quietTo: '08:00' };
const defaults: Preferences = { language: null, theme: 'system', compact: false, logLevel: 'info', serverUrl: null, notices, closeToTray: true, undoSeconds: 5, chatUndoSeconds: 0, me: null, managers: [], businessHours: { days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' }, firstRun: null, backupFolder: null };

/** What somebody changes of the preferences, of those of notices each by itself. */
export type Change = Partial<Omit<Preferences, 'notices'>> & { notices?: Partial<NoticePreferences> };

const changed = (kept: Preferences, change: Change): Preferences => ({ ...kept, ...change, notices: { ...kept.notices, ...change.notices } });

type FactsListener = (facts: FactsArrived) => void;
type AdoptionListener = (view: AdoptionView) => void;
type NoticeListener = (conversation: ConversationKey | null) => void;

/** What the whole window shares: the program's status, accounts, counts and preferences. */
class Session {
  status = $state.raw<AppStatus>({ phase: 'starting', step: 'secrets' });
  accounts = $state.raw<readonly AccountView[]>([]);
  /** Whether the counts have been read: they come once the inbox is drawn. */
  counted = $state(false);
  counts = $state.raw<Counts>({ conversations: 0, unread: 0, mine: 0, unassigned: 0, waiting: 0, done: 0, stuckTexts: 0, accounts: [] });
  preferences = $state.raw<Preferences>(defaults);
  about = $state.raw<About | null>(null);
  /** How many checks of the diagnostics page want a person. */
  attention = $state(0);
  /** The link that waits for a decision. */
  link = $state.raw<LinkView | null>(null);
  /** When the window opened, in Unix milliseconds. */
  startedAt = 0;
  /** Whether the snapshot has been read. */
  subscribed = $state(false);
  error = $state.raw<IpcError | null>(null);

  #factsListeners = new Set<FactsListener>();
  #noticeListeners = new Set<NoticeListener>();
  #adoptionListeners = new Set<AdoptionListener>();
  /** The preferences as last told, without the changes that are on their way. */
  #kept = defaults;
  #changes: readonly Change[] = [];
  /** Whether the preferences have been read. */
  #read = false;
  #countsTimer: ReturnType<typeof setTimeout> | undefined;
  #countsAt = 0;
  /** The number of the last event with facts that was taken, and of the last that the program says it has sent. */
  #taken = 0;
  #sent = 0;
  #beatTimer: ReturnType<typeof setTimeout> | undefined;
  #beatSoon = false;

  /** Listens first, then asks, so that nothing falls between. */
  async start(): Promise<void> {
    this.startedAt = clock.exact();
    await listen({
      factsArrived: (facts) => this.#facts(facts),
      accountsChanged: ({ accounts }) => (this.accounts = accounts),
      statusChanged: (status) => this.#enter(status),
      attentionChanged: ({ needing }) => (this.attention = needing),
      linkClicked: ({ link }) => (this.link = link),
      noticeOpened: ({ conversation }) => this.#noticeListeners.forEach((listener) => listener(conversation)),
      preferencesChanged: (preferences) => this.#keep(preferences),
      adoptionChanged: (view) => this.#adoptionListeners.forEach((listener) => listener(view)),
    });
    const [status] = await Promise.all([ipc.appStatus(), this.#settings()]);
    this.#enter(status);
  }

  /** Calls back with every bundle of facts until the answer is called. */
  onFacts(listener: FactsListener): () => void {
    this.#factsListeners.add(listener);
    return () => this.#factsListeners.delete(listener);
  }

  /** Calls back when a notice of the system was clicked, with its conversation or null for all that is unread. */
  onNotice(listener: NoticeListener): () => void {
    this.#noticeListeners.add(listener);
    return () => this.#noticeListeners.delete(listener);
  }

  /** Calls back when taking over the old CRM is further. */
  onAdoption(listener: AdoptionListener): () => void {
    this.#adoptionListeners.add(listener);
    return () => this.#adoptionListeners.delete(listener);
  }

  account(id: string): AccountView | undefined {
    return this.accounts.find((account) => account.id === id);
  }

  /** Unread messages of an account, as fresh as the other counts. */
  unreadOf(account: AccountView): number {
    return this.counts.accounts.find(({ id }) => id === account.id)?.unread ?? account.unread;
  }

  /** What the preferences say once the server's address was accepted on its own. */
  serverChosen(serverUrl: string | null): void {
    this.#keep({ ...this.#kept, serverUrl });
  }

  /** Saves a change of the preferences; shown at once, taken back when it could not be saved. */
  async prefer(change: Change): Promise<void> {
    this.#changes = [...this.#changes, change];
    this.#keep(this.#kept);
    try {
      await ipc.setPreferences(this.preferences);
      this.#kept = changed(this.#kept, change);
    } catch (thrown) {
      throw IpcError.from(thrown);
    } finally {
      this.#changes = this.#changes.filter((other) => other !== change);
      this.#keep(this.#kept);
    }
  }

  /** Goes to a step of the first run; null ends it. */
  async goFirstRun(step: FirstRunStepName | null): Promise<void> {
    await ipc.goFirstRun(step);
    this.#keep({ ...this.#kept, firstRun: step });
  }

  async subscribe(): Promise<void> {
    try {
      const snapshot = await ipc.subscribe();
      this.accounts = snapshot.accounts;
      this.#taken = this.#sent = Math.max(this.#taken, snapshot.number);
      this.#beatIn(BEAT);
      this.subscribed = true;
      this.error = null;
      this.#recount(true);
    } catch (thrown) {
      this.error = IpcError.from(thrown);
    }
  }

  #enter(status: AppStatus): void {
    const wasReady = this.status.phase === 'ready';
    this.status = status;
    // The profile may have been opened only now.
    if (!this.#read) void this.#settings();
    if (status.phase === 'ready' && !wasReady) void this.subscribe();
    if (status.phase !== 'ready') this.subscribed = this.counted = false;
  }

  async #settings(): Promise<void> {
    const [preferences, about] = await Promise.allSettled([ipc.preferences(), ipc.about()]);
    if (about.status === 'fulfilled') this.about = about.value;
    this.#read = preferences.status === 'fulfilled';
    this.#keep(preferences.status === 'fulfilled' ? preferences.value : this.#kept);
  }

  #keep(preferences: Preferences): void {
    this.#kept = preferences;
    this.preferences = this.#changes.reduce(changed, preferences);
    this.#dress();
  }

  #dress(): void {
    const { language, theme } = this.preferences;
    speak(languageFor(language ?? this.about?.systemLanguage ?? navigator.language));
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }

  #facts(facts: FactsArrived): void {
    const lost = this.subscribed && facts.number !== this.#taken + 1;
    this.#taken = Math.max(this.#taken, facts.number);
    this.#tell(lost ? { ...facts, conversations: [], messages: null, overflowed: true } : facts);
    if (!this.#beatSoon) this.#beatIn(CONFIRM);
  }

  #tell(facts: FactsArrived): void {
    touchClock();
    for (const listener of this.#factsListeners) listener(facts);
    if (facts.countsChanged || facts.overflowed) this.#recount();
  }

  #beatIn(ms: number): void {
    clearTimeout(this.#beatTimer);
    this.#beatSoon = ms < BEAT;
    this.#beatTimer = setTimeout(() => void this.#beat(), ms);
  }

  /** Confirms what was taken. What was sent before the last beat and has not come by this one is lost: read everything again. */
  async #beat(): Promise<void> {
    if (this.#sent > this.#taken) {
      this.#taken = this.#sent;
      this.#tell({ number: this.#sent, conversations: [], merged: [], messages: null, newMessages: 0, overflowed: true, countsChanged: true });
    }
    this.#beatSoon = false;
    try {
      this.#sent = await ipc.heartbeat(this.#taken);
    } catch {
      // The next one tells.
    }
    if (this.subscribed && !this.#beatSoon) this.#beatIn(BEAT);
  }

  /** Asked for once the row that changed is drawn, which must not wait for another frame; in a flood a few times a second. */
  #recount(first = false): void {
    if (this.#countsTimer !== undefined) return;
    const wait = Math.max(COUNTS_AFTER, this.#countsAt + COUNTS_EVERY - performance.now());
    this.#countsTimer = setTimeout(() => {
      this.#countsTimer = undefined;
      this.#countsAt = performance.now();
      void ipc.counts().then((counts) => {
        this.counts = counts;
        this.counted = true;
      }, () => undefined);
      if (first) void ipc.accounts().then((accounts) => (this.accounts = accounts), () => undefined);
    }, wait);
  }
}

export const session = new Session();
