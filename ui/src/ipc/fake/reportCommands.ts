import type { ReportView } from '../bindings';
import { iso } from './accounts';
import type { World } from './backend';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The support report over the invented bureau. */
export function reportCommands(world: World) {
  return {
    prepareReport: async (): Promise<ReportView> => {
      await pause(300);
      const accounts = world.bureau.accounts.map(({ id, channel, state }) => ({ account: `…${id.slice(-8)}`, channel, state: state.kind }));
      const lines = world.logbook.rows.slice(-600).map((row) => JSON.stringify({ t: row.at, level: row.level, area: row.area, msg: row.message, fields: Object.fromEntries(row.fields.map(({ name, value }) => [name, value])) }));
      const report = { made_at: iso(world.now()), program: { version: '0.1.0', webview: '2.50.4', database: 'private' }, system: { os: 'linux', desktop: 'GNOME' }, settings: { language: 'uk', managers: 3, me_is_set: true }, accounts, untold: [] };
      return {
        files: [
          { name: 'report.json', text: `${JSON.stringify(report, null, 2)}\n` },
          { name: 'log.jsonl', text: `${lines.join('\n')}\n` },
          { name: 'panics.json', text: world.panicked ? '[\n  { "location": "src/engine/supervisor.rs:211:9" }\n]\n' : '[]\n' },
          { name: 'removed.json', text: '{\n  "address": 3,\n  "number": 1,\n  "name": 12\n}\n' },
        ],
        removed: [
          { what: 'address', count: 3 },
          { what: 'number', count: 1 },
          { what: 'name', count: 12 },
        ],
        untold: world.scenario === 'ready' ? [] : [{ part: 'database', reason: 'connection refused (os error 111)' }],
        kib: 38,
      };
    },
    saveReport: async () => ({ folder: '/home/bureau', saved: 1, failed: null }),
    putPanicsAside: async () => {
      world.panicked = false;
      return null;
    },
  };
}
