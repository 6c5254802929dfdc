import type { AppStatus, BackupFileView, BackupView, FirstRunStepName, FreeRoomView, SecretsView } from '../bindings';
import { NOON, iso } from './accounts';
import { type World, fail } from './backend';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The first run, backups and starting with the system. `?secrets=` and `?room=` choose what is found. */
export function firstRunCommands(world: World) {
  const query = new URLSearchParams(location.search);
  let last: BackupView = { folder: null, madeAt: null, file: null, kib: 0, triedOut: false, error: null };
  let autostart = false;
  const enter = (status: AppStatus) => {
    world.status = status;
    world.listeners?.statusChanged(structuredClone(status));
  };
  return {
    goFirstRun: async (step: FirstRunStepName | null) => {
      world.preferences = { ...world.preferences, firstRun: step };
      world.listeners?.preferencesChanged(structuredClone(world.preferences));
      if (world.status.phase === 'ready') return null;
      if (step === 'adopt' || step === 'account' || step === null) {
        enter({ phase: 'starting', step: 'database' });
        const trouble = query.get('trouble');
        setTimeout(() => enter(trouble ? { phase: 'database_trouble', code: trouble as never, detail: 'No space left on device (os error 28)', since: iso(world.now()) } : { phase: 'ready' }), Number(query.get('opening') ?? 50));
      } else enter({ phase: 'first_run' });
      return null;
    },
    trySecrets: async (): Promise<SecretsView> => {
      await pause(30);
      const state = world.vault ? 'ready' : ((query.get('secrets') as SecretsView['state'] | null) ?? 'ready');
      const reason = state === 'ready' || state === 'needs_passphrase' ? '' : 'org.freedesktop.secrets: The name is not activatable';
      return { state, kind: state === 'ready' ? (world.vault ? 'vault' : 'keyring') : '', reason, ms: 31 };
    },
    room: async (): Promise<FreeRoomView> => (query.get('room') === 'none' ? { freeMib: 120, enough: false } : { freeMib: 217_088, enough: true }),
    backup: async () => last,
    chooseBackupFolder: async () => {
      last = { ...last, folder: '/home/bureau/Копії' };
      world.preferences = { ...world.preferences, backupFolder: last.folder };
      world.listeners?.preferencesChanged(structuredClone(world.preferences));
      return true;
    },
    stopBackups: async () => {
      last = { ...last, folder: null };
      world.preferences = { ...world.preferences, backupFolder: null };
      world.listeners?.preferencesChanged(structuredClone(world.preferences));
      return null;
    },
    backUpNow: async () => {
      await pause(100);
      last = { ...last, madeAt: iso(world.now()), file: `${last.folder}/skrynka-2026-11-22.zip`, kib: 184_320, triedOut: true, error: null };
      return null;
    },
    chooseBackup: async (): Promise<BackupFileView | null> => {
      if (query.get('file') === 'damaged') fail('backup_damaged', 'invalid Zip archive: Could not find EOCD');
      return { name: 'skrynka-2026-11-21.zip', madeAt: iso(NOON - 86_400_000), accounts: 6, messages: 48_213 };
    },
    leaveBackup: async () => null,
    autostart: async () => autostart,
    setAutostart: async (on: boolean) => {
      autostart = on;
      return null;
    },
  };
}
