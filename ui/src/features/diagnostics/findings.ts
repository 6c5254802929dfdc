import { f, t } from '../../i18n/index.svelte';
import type { AccountStateView, Check, ColumnView, ErrorCode, SelfTestView } from '../../ipc/client';
import { errorTitle, telegramTitle } from '../../state/words';

/** What words depend on beside the finding itself. */
interface Surroundings {
  /** The account is one of Telegram, which is no mail server. */
  telegram: boolean;
  now: Date;
}

const MIB = 1024 * 1024;
const MINUTE = 60_000;
const systems: Record<string, string> = { linux: 'Linux', windows: 'Windows', macos: 'macOS' };

/** What somebody else said, as it was said, behind what it is about. */
const quoted = (what: string, said: string | null): string => (said ? t('found.quote', { what, said }) : what);

/** Whole seconds: less than one is none. */
const seconds = (n: number): string => (n === 0 ? t('unit.s', { n }) : f.span(n * 1000));

const titled = (code: ErrorCode, telegram: boolean): string => (telegram ? telegramTitle(code) : errorTitle(code));

/** What a check found, in one line. */
export function findingText({ finding: found }: Check, { telegram, now }: Surroundings): string {
  const time = (at: string): string => f.shortTime(new Date(at), now);
  switch (found.kind) {
    case 'trouble':
      return quoted(titled(found.why.code, telegram), found.why.detail);
    case 'not_tried':
      return t('found.not_tried');
    case 'versions': {
      const system = systems[found.system] ?? found.system;
      if (found.webview === null) return quoted(t('found.no_webview', { program: found.program, system }), found.why);
      return t('found.versions', { program: found.program, webview: found.webview, system });
    }
    case 'secrets_answer':
      return t(`found.store.${found.store === 'keyring' || found.store === 'vault' ? found.store : 'memory'}`);
    case 'room':
      return found.freeMib === null ? t('found.no_room') : t('found.room', { size: f.bytes(found.freeMib * MIB) });
    case 'backup_elsewhere':
      return t('found.backup_elsewhere');
    case 'backup_no_folder':
      return t('found.backup_no_folder');
    case 'backup_to_come':
      return t('found.backup_to_come');
    case 'backup':
      if (!found.fresh) return quoted(t('found.backup_old', { time: time(found.at) }), found.why);
      return t(found.triedOut ? 'found.backup_tried' : 'found.backup_untried', { time: time(found.at) });
    case 'no_backup':
      return quoted(t('found.backup_failed'), found.why);
    case 'log':
      return t('found.log', { size: f.bytes(found.kib * 1024), files: found.files, dropped: found.dropped });
    case 'log_in_memory':
      return quoted(t('found.log_memory'), found.why);
    case 'no_panics':
      return t('found.no_panics');
    case 'panics': {
      const { count: n, version, location } = found;
      return quoted(t('found.panics', { n, time: time(found.at), version, location }), found.said);
    }
    case 'no_window':
      return t('found.no_window');
    case 'no_subscription':
      return t('found.no_subscription');
    case 'events':
      return t('found.events', { sent: found.sent, confirmed: found.confirmed, ago: seconds(found.quietS) });
    case 'statements':
      return t('found.statements', { time: seconds(found.longestS), waiting: found.waiting });
    case 'columns_newer':
      return t('found.columns_newer');
    case 'columns_right':
      return t('found.columns_right');
    case 'columns_wrong':
    case 'legacy':
      return found.columns.map(column).join('; ');
    case 'database': {
      const kind = t(found.private ? 'found.database_private' : 'found.database_server');
      const answered = t('found.database', { version: found.version, kind, size: f.bytes(found.mib * MIB), time: f.span(found.ms), connections: found.connections, max: found.maxConnections });
      return [answered, t(found.fsync ? 'found.fsync_on' : 'found.fsync_off'), t(found.checksums ? 'found.checksums_on' : 'found.checksums_off')].join(', ');
    }
    case 'schema':
      return t('found.schema', { n: found.applied });
    case 'schema_pending':
      return t('found.schema_pending', { n: found.pending });
    case 'schema_newer':
      return t('found.schema_newer', { needed: found.needed, own: found.own });
    case 'summaries':
      return found.wrong === 0 ? t('found.summaries_right') : t('found.summaries_wrong', { n: found.wrong });
    case 'search':
      return found.pending === 0 ? t('found.search_whole') : t('found.search_pending', { n: found.pending });
    case 'clock_unknown':
      return t('found.clock_unknown');
    case 'clock':
      return clocks(found.databaseMs, found.serversS).join('; ');
    case 'quarantine':
      return t('found.quarantine', { open: found.open, dismissed: found.dismissed });
    case 'outbox':
      return t('found.outbox', { all: found.all, late: found.late, failed: found.failed, uncertain: found.uncertain });
    case 'never_listened':
      return t('found.never_listened');
    case 'nobody_listens':
      return sentences(t('found.nobody_listens', { time: time(found.at), state: listener(found.state, time) }), trouble(found.state, telegram));
    case 'listener': {
      const parts = [t('found.listener', { state: listener(found.state, time), time: time(found.since) })];
      if (found.unheardMin !== null) parts.push(t('found.unheard', { time: f.waiting(found.unheardMin * MINUTE) }));
      if (found.slowMs !== null) parts.push(t('found.slow', { time: f.span(found.slowMs) }));
      return sentences(parts.join('; '), trouble(found.state, telegram));
    }
    case 'no_session':
      return t('found.no_session');
    case 'completeness': {
      const places = t(found.chats ? 'diag.chats' : 'found.folders', { n: found.places });
      const compared = found.at === null ? t('found.never_compared') : t('found.completeness', { missing: found.missing, held: found.held, places, time: time(found.at) });
      const names = [...found.unknown, ...(found.unknownMore > 0 ? [t('found.more', { n: found.unknownMore })] : [])].join(', ');
      return names ? `${compared}; ${t('found.uncompared', { names })}` : compared;
    }
    case 'silence':
      return t('found.silence', { n: found.usual, time: time(found.since) });
    case 'certificate': {
      const date = f.day(new Date(found.until), now);
      return found.days < 0 ? t('found.certificate_ended', { date }) : t('found.certificate', { date, days: t('unit.days', { n: found.days }) });
    }
    case 'no_quota':
      return t('found.no_quota');
    case 'quota':
      return t('found.quota', { used: f.bytes(found.usedMib * MIB), limit: f.bytes(found.limitMib * MIB), percent: found.percent });
    case 'connections': {
      const open = found.open === null ? t('found.connections_unknown') : t('found.connections', { n: found.open });
      return found.limitedAt === null ? open : `${open}; ${quoted(t('found.connections_limited', { time: time(found.limitedAt) }), found.said)}`;
    }
    case 'backlog':
      return found.shrinking ? t('found.backlog_shrinking', { n: found.missing }) : t('found.backlog_stands', { n: found.missing, time: time(found.since) });
  }
}

function column({ name, is, due }: ColumnView): string {
  const now = is ?? t('found.column_missing');
  return due === null ? t('found.column', { name, is: now }) : t('found.column_due', { name, is: now, due });
}

function clocks(databaseMs: number | null, serversS: number | null): string[] {
  const told: string[] = [];
  if (databaseMs !== null) told.push(t(databaseMs < 0 ? 'found.clock_database_behind' : 'found.clock_database_ahead', { time: f.span(Math.abs(databaseMs)) }));
  if (serversS !== null) told.push(serversS > 0 ? t('found.clock_ahead', { time: f.span(serversS * 1000) }) : t('found.clock_right'));
  return told;
}

/** Where a listener stands. */
function listener(state: AccountStateView, time: (at: string) => string): string {
  switch (state.kind) {
    case 'idle':
    case 'connecting':
    case 'catching_up':
    case 'live':
    case 'elsewhere':
    case 'stopped':
    case 'needs_sign_in':
    case 'misconfigured':
      return t(`state.${state.kind}`);
    case 'backing_off':
      return t('found.backing_off');
    case 'limited':
      return t('state.limited', { time: time(state.until) });
  }
}

/** What a listener failed over; empty where it did not. */
const trouble = (state: AccountStateView, telegram: boolean): string => ('why' in state ? quoted(titled(state.why.code, telegram), state.why.detail) : '');

const sentences = (...all: string[]): string => all.filter(Boolean).join('. ');

/** Why a self-test went no further, beyond the station that was not reached; empty where that says all. */
export function causeText(found: SelfTestView, telegram: boolean): string {
  const why = cause(found.why, telegram);
  const place = found.foundIn.length > 0 ? t('selftest.foundIn', { names: found.foundIn.join(', ') }) : '';
  return sentences(why, place);
}

function cause(why: SelfTestView['why'], telegram: boolean): string {
  switch (why?.kind) {
    case undefined:
      return '';
    case 'trouble':
      return quoted(titled(why.why.code, telegram), why.why.detail);
    case 'holder_gone':
      return t('selftest.why.holder_gone', { holder: why.holder });
    case 'not_connected':
      return errorTitle('not_connected');
    case 'silence':
      return t('selftest.why.silence', { time: f.span(why.seconds * 1000) });
    case 'switched_off':
    case 'not_taken':
    case 'withdrawn':
    case 'not_drawn':
      return t(`selftest.why.${why.kind}`);
  }
}
