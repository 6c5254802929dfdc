// Taking over the old CRM's database: messages a second, and whether memory stays flat. 200,000 messages with 20,000 files;
// SKRYNKA_BENCH_MESSAGES asks for another number of messages, with a tenth as many files.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import { Profile } from '../harness.mjs';
import { OldSystem } from './old-system.mjs';

const MESSAGES = Number(process.env.SKRYNKA_BENCH_MESSAGES ?? 200_000);
const FILES = MESSAGES / 10;

export async function adopt() {
  const old = await OldSystem.start({ messages: MESSAGES, files: FILES, fileBytes: 4000 });
  const profile = new Profile();
  try {
    await profile.run(['migrate']);
    const first = await measured(profile, old);
    const again = await measured(profile, old);
    const rate = Math.round(MESSAGES / first.seconds);
    const [early, late] = [first.memory.slice(0, Math.ceil(first.memory.length / 3)), first.memory.slice(-Math.ceil(first.memory.length / 3))];
    return [
      { what: `adopt: ${MESSAGES.toLocaleString('en')} messages with ${FILES.toLocaleString('en')} files, looked at and written`, ours: `${rate.toLocaleString('en')} messages/s (${first.seconds.toFixed(1)} s), ${first.came} came`, budget: '>= 2,000/s' },
      { what: 'adopt: memory of the program, MiB', ours: `peak ${Math.max(...first.memory).toFixed(0)}; most in the first third ${Math.max(...early).toFixed(0)}, in the last ${Math.max(...late).toFixed(0)}`, budget: 'flat' },
      { what: 'adopt: the same again', ours: `${again.seconds.toFixed(1)} s, ${again.came} came`, budget: 'nothing comes' },
    ];
  } finally {
    await profile.remove();
    await old.remove();
  }
}

/** Runs the command; its seconds from the first to the last word, its memory while it writes, and what came. */
async function measured(profile, old) {
  const child = profile.start('adopt', '--from', old.url, '--media', old.media);
  child.stdin.end();
  const [memory, records] = [[], []];
  let [rest, trouble] = ['', ''];
  const begun = performance.now();
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines.filter(Boolean)) {
      const record = JSON.parse(line);
      records.push(record);
      if (record.progress === 'messages') memory.push(resident(child.pid));
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text) => (trouble += text));
  const [code] = await once(child, 'close');
  const seconds = (performance.now() - begun) / 1000;
  if (code !== 0) throw new Error(`adopt ended with ${code}: ${trouble}`);
  const came = records.find((record) => record.report === 'came' && record.thing === 'messages').new;
  return { seconds, came, memory };
}

/** What a process holds in memory, in MiB. */
function resident(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
}
