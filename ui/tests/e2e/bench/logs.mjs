// The log viewer's query over 10,000,000 lines of our own format (SKRYNKA_BENCH_LINES), beside lnav and ripgrep over the
// same files in the same run: the newest page, the index, and what filters find in all of them.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { APP, ARTEFACTS } from '../harness.mjs';

const LINES = Number(process.env['SKRYNKA_BENCH_LINES'] ?? 10_000_000);
const OURS = join(dirname(APP), 'examples', 'log_bench');
const TEXT = 'uidvalidity changed';
const EXPRESSION = String.raw`took [5-9]\d{3} ms`;
/** Each search of ripgrep is the quickest of so many: the first one pays for cold files. */
const ROUNDS = 3;
const mib = (kib) => `${Math.round(kib / 1024)} MiB`;
const seconds = (value) => (value < 0.1 ? `${(value * 1000).toFixed(1)} ms` : `${value.toFixed(2)} s`);

/** Our lines as lnav is told to read them. */
const FORMAT = {
  $schema: 'https://lnav.org/schemas/format-v1.schema.json',
  skrynka_log: {
    title: 'Skrynka', 'file-type': 'json', json: true, 'file-pattern': String.raw`.*\.jsonl`,
    'timestamp-field': 't', 'level-field': 'level', 'body-field': 'msg', 'hide-extra': false,
    'line-format': [{ field: 't' }, ' ', { field: 'level' }, ' ', { field: 'area' }, ' ', { field: 'msg' }],
    value: { seq: { kind: 'integer' }, area: { kind: 'string', identifier: true }, account: { kind: 'string', identifier: true }, fields: { kind: 'json' }, spans: { kind: 'json' } },
  },
};

export async function logs() {
  const dir = mkdtempSync(join(ARTEFACTS, 'logs-'));
  try {
    const files = join(dir, 'logs');
    await run(OURS, ['write', files, String(LINES)]);
    const names = readdirSync(files).sort().map((name) => join(files, name));
    // The page cache is warm for all of them.
    await run('rg', ['-c', 'warm', ...names]);
    const ours = JSON.parse((await run(OURS, ['read', files])).output);
    const lnav = await lnavs(dir, names);
    const text = await ripgrep(['-i', TEXT], names);
    const expression = await ripgrep(['-i', EXPRESSION], names);
    const level = await ripgrep(['"level":"ERROR"'], names);
    same(ours.counts, { all: lnav.lines, text: text.count, regex: expression.count, level: level.count });
    const { seconds: took, memory_kib: memory } = ours;
    const of = (what, our, peer, name, times, budget) => ({ what, ours: seconds(our), peer: peer === null ? '' : `${name} ${seconds(peer)}`, ratio: times === null ? '' : times.toFixed(2), budget });
    return [
      of(`log: newest page of ${LINES.toLocaleString('en')} lines, no index yet`, took.screen, null, '', null, '<= 100 ms'),
      of('log: index of all lines', took.index, lnav.seconds, 'lnav', took.index / lnav.seconds, '<= 0.5'),
      { what: 'log: memory with that index', ours: mib(memory[1]), peer: `lnav ${mib(lnav.memory)}`, ratio: (memory[1] / lnav.memory).toFixed(2), budget: '<= 0.5' },
      of(`log: "${TEXT}" counted in all (${ours.counts.text})`, took.text, text.seconds, 'ripgrep -i', took.text / text.seconds, '<= 4'),
      of(`log: ${EXPRESSION} counted in all (${ours.counts.regex})`, took.regex, expression.seconds, 'ripgrep -i', took.regex / expression.seconds, '<= 4'),
      of('log: a text that stands nowhere, in all', took.nowhere, null, '', null, ''),
      of(`log: errors, their page (${ours.counts.level})`, took.level_page, null, '', null, '<= 100 ms'),
      of('log: errors counted over time', took.level, level.seconds, 'ripgrep', took.level / level.seconds, '<= 100 ms'),
      of(`log: one account, its page (${ours.counts.account})`, took.account_page, null, '', null, '<= 100 ms'),
      of('log: one account counted over time', took.account, null, '', null, '<= 100 ms'),
      of('log: a text among the errors of one account', took.account_text, null, '', null, ''),
      { what: 'log: most memory, with all of that', ours: mib(memory[2]) },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Time and memory of lnav until it has indexed all lines and counted them. */
async function lnavs(dir, names) {
  const config = join(dir, 'lnav');
  mkdirSync(join(config, 'formats', 'skrynka'), { recursive: true });
  writeFileSync(join(config, 'formats', 'skrynka', 'format.json'), JSON.stringify(FORMAT));
  const args = ['-n', '-I', config, '-c', ';SELECT count(*) FROM skrynka_log', '-c', ':write-csv-to -', ...names];
  const { output, seconds: took, memory } = await run('lnav', args, { HOME: dir, XDG_CONFIG_HOME: dir });
  return { lines: Number(/(\d+)\s*$/.exec(output)?.[1]), seconds: took, memory };
}

async function ripgrep(pattern, names) {
  let best = null;
  for (let round = 0; round < ROUNDS; round++) {
    const { output, seconds: took } = await run('rg', ['-c', '--no-filename', '--no-config', ...pattern, ...names]);
    const count = output.split('\n').reduce((sum, line) => sum + Number(line), 0);
    best = { count, seconds: Math.min(took, best?.seconds ?? Infinity) };
  }
  return best;
}

/** Whoever is quick must also be right. */
function same(counts, others) {
  for (const [name, count] of Object.entries(others)) {
    if (counts[name] !== count) throw new Error(`${name}: we found ${counts[name]} lines, the others ${count}`);
  }
}

/**
 * Runs a program to its end: what it printed, how long it took, and the most memory of its own it held, in KiB: pages of
 * files that it maps are not.
 */
async function run(program, args, more = {}) {
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...more } });
  let memory = 0;
  const look = setInterval(() => {
    try {
      const held = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
      memory = Math.max(memory, Number(held ?? 0));
    } catch {
      // It has ended.
    }
  }, 20);
  try {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    const code = await new Promise((ended, failed) => child.on('close', ended).on('error', failed));
    // ripgrep ends so where nothing matches.
    if (code !== 0 && !(program === 'rg' && code === 1)) throw new Error(`${program} ended with ${code}`);
    return { output, seconds: (performance.now() - begun) / 1000, memory };
  } finally {
    clearInterval(look);
  }
}
