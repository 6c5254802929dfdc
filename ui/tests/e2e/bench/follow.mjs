// The log viewer follows another program that writes 10,000 lines a second for a minute: frames, memory, and whether every
// line is on the disk. And what becomes of 1,000,000 lines that are written as fast as can be.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { APP, ARTEFACTS, Profile, Window, until } from '../harness.mjs';
import { allocated } from '../harness/processes.mjs';

const RATE = 10_000;
const SECONDS = Number(process.env['SKRYNKA_BENCH_SECONDS'] ?? 60);
const BURST = 1_000_000;
const OURS = join(process.env['SKRYNKA_LOG_BENCH'] ?? join(dirname(APP), 'examples'), 'log_bench');
/** The first lines fill the list and what is kept of it: growth is counted from here on. */
const WARM = 10;

export async function follow() {
  return [...await followed(), ...await burst()];
}

async function followed() {
  const profile = new Profile();
  try {
    const window = await Window.open(profile, { width: 1600, height: 1000, pictures: false });
    try {
      await window.press('nav-logs');
      await window.press('log-ready-all');
      await window.find('log-row');
      const parts = { window: window.drawing(), program: window.processes()[0] };
      const weigh = () => Object.fromEntries(Object.entries(parts).map(([name, pid]) => [name, allocated(pid)]));
      const pouring = pour(join(profile.folder, 'logs'), 'pour', RATE, SECONDS + WARM);
      await new Promise((wake) => setTimeout(wake, WARM * 1000));
      await watch(window);
      const weights = [];
      for (let second = 0; second < SECONDS - 1; second++) {
        await new Promise((wake) => setTimeout(wake, 1000));
        weights.push(weigh());
      }
      const { frames, seconds, longest } = await window.driver.executeScript(() => window.__frames());
      // What is garbage comes and goes: the least of the first and of the last third are compared.
      const third = Math.ceil(weights.length / 3);
      const least = (of, name) => Math.min(...of.map((weight) => weight[name]));
      const growth = (name) => least(weights.slice(-third), name) - least(weights.slice(0, third), name);
      const poured = await pouring;
      const last = `n=${RATE * (SECONDS + WARM) - 1}`;
      await until('the last line to be shown', () => window.driver.executeScript((last) => [...document.querySelectorAll('[data-testid="log-row"] .msg-text')].some((row) => row.textContent.includes(last)), last));
      const there = onDisk(join(profile.folder, 'logs'));
      const grown = Object.keys(parts).map((name) => `${name} ${growth(name).toFixed(1)}`).join(', ');
      return [
        { what: `log: frames while ${RATE} lines a second are followed for ${SECONDS} s`, ours: `${(frames / seconds).toFixed(1)}/s, longest pause ${Math.round(longest)} ms`, budget: '>= 50/s' },
        { what: 'log: memory growth meanwhile, MiB', ours: grown, budget: '<= 5' },
        { what: 'log: lines of it on the disk', ours: `${there} of ${poured.lines}, ${poured.dropped} dropped`, budget: 'all' },
      ];
    } finally {
      await window.close();
    }
  } finally {
    await profile.remove();
  }
}

/** Counts the frames that the window draws from now on. */
function watch(window) {
  return window.driver.executeScript(() => {
    const begun = performance.now();
    let [frames, longest, last] = [0, 0, begun];
    const frame = (now) => {
      frames += 1;
      longest = Math.max(longest, now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    window.__frames = () => ({ frames, longest, seconds: (performance.now() - begun) / 1000 });
  });
}

async function burst() {
  const folder = mkdtempSync(join(ARTEFACTS, 'burst-'));
  try {
    const { seconds, lines, dropped } = await pour(folder, 'burst', BURST);
    const there = onDisk(folder);
    // The cap may have taken the oldest; what was dropped is told in lines of its own.
    const told = entries(folder).filter((line) => line.msg === 'Log lines dropped').reduce((sum, line) => sum + line.fields.count, 0);
    return [{
      what: `log: ${lines.toLocaleString('en')} lines as fast as can be`,
      ours: `${Math.round(lines / seconds).toLocaleString('en')} lines/s, ${dropped} dropped, ${told} told of in the log, ${there} on the disk`,
      budget: 'survived and said',
    }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function entries(folder) {
  return readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)));
}

function onDisk(folder) {
  return new Set(entries(folder).filter((line) => line.msg === 'Poured').map((line) => line.fields.n)).size;
}

/** Runs the program that logs; returns what it printed. */
async function pour(folder, ...words) {
  const child = spawn(OURS, [words[0], folder, ...words.slice(1).map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${OURS} ended with ${code}`);
  return JSON.parse(output);
}
