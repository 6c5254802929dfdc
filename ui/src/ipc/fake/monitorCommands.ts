import type { EventContent, EventView, EventsWatched, FactsArrived } from '../bindings';
import { iso } from './accounts';
import { type World, fail } from './backend';

const KEPT = 300;
const NAMED = 20;

/** What was sent to the window, as Rust's monitor keeps it. */
export class Monitor {
  readonly #now: () => number;
  readonly watchers = new Map<number, () => void>();
  events: EventView[] = [];
  readonly #contents = new Map<number, EventContent>();
  sent = 40;
  confirmed = 40;
  since = '';
  heartbeatAt: string | null = null;
  #bytes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  subscribed(): number {
    this.since = iso(this.#now());
    this.confirmed = this.sent;
    return this.sent;
  }

  heartbeat(confirmed: number): number {
    this.heartbeatAt = iso(this.#now());
    this.confirmed = Math.max(this.confirmed, confirmed);
    this.#changed();
    return this.sent;
  }

  /** Keeps an event with facts; returns its number. */
  tell(facts: Omit<FactsArrived, 'number'>): number {
    this.sent += 1;
    const kind = facts.newMessages > 0 ? 'message_stored' : 'conversation_changed';
    const [first] = facts.conversations;
    const count = Math.max(1, facts.conversations.length);
    const id = (this.events.at(-1)?.id ?? 0) + 1;
    const bytes = JSON.stringify(facts).length;
    const several = facts.conversations.some(({ account }) => account !== first?.account);
    this.#bytes += bytes;
    const account = several ? null : (first?.account ?? null);
    this.events = [...this.events, { id, at: iso(this.#now()), name: 'facts_arrived', number: this.sent, kinds: [{ kind, count }], account, several, seq: 918_000 + this.sent, bytes, delayMs: 4 + (id % 9) }].slice(-KEPT);
    const named = facts.conversations.slice(0, NAMED).map((key, n) => ({ kind, account: key.account, seq: 918_000 + this.sent + n, conversation: key.id, message: null, at: iso(this.#now() - 5) }));
    this.#contents.set(id, { facts: named, more: Math.max(0, count - NAMED) });
    this.#changed();
    return this.sent;
  }

  content(id: number): EventContent {
    return this.#contents.get(id) ?? fail('not_found');
  }

  watched(after: number): EventsWatched {
    return {
      windows: [{ window: 'main', since: this.since, heartbeatAt: this.heartbeatAt, sent: this.sent, confirmed: this.confirmed, queue: this.sent - this.confirmed, perMinute: this.events.length, kib: this.#bytes >> 10 }],
      programs: [
        { name: 'Skrynka, bureau-1', accounts: 5, since: iso(this.#now() - 3_600_000), valid: true },
        { name: 'skrynka listen, server', accounts: 2, since: iso(this.#now() - 86_400_000), valid: false },
      ],
      events: this.events.filter(({ id }) => id > after),
    };
  }

  #changed(): void {
    for (const watcher of this.watchers.values()) watcher();
  }
}

/** The event monitor over the invented bureau. */
export function monitorCommands(world: World) {
  const { monitor } = world;
  return {
    heartbeat: async (confirmed: number) => monitor.heartbeat(confirmed),
    watchEvents: async (watched: (watched: EventsWatched) => void) => {
      const id = Math.max(0, ...monitor.watchers.keys()) + 1;
      let last = 0;
      const tell = () => {
        watched(structuredClone(monitor.watched(last)));
        last = monitor.events.at(-1)?.id ?? last;
      };
      monitor.watchers.set(id, tell);
      setTimeout(tell);
      return id;
    },
    unwatchEvents: async (id: number) => {
      monitor.watchers.delete(id);
      return null;
    },
    eventContent: async (id: number) => monitor.content(id),
  };
}
