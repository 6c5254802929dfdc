// Measurements, side by side with the peer in the same run. `node bench.mjs [NAME…]`; `cargo xtask bench` builds first.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { adopt } from './bench/adopt.mjs';
import { arrivals } from './bench/arrival.mjs';
import { backup } from './bench/backup.mjs';
import { compose } from './bench/compose.mjs';
import { firstSync, logging } from './bench/first-sync.mjs';
import { follow } from './bench/follow.mjs';
import { ledger } from './bench/ledger.mjs';
import { logs } from './bench/logs.mjs';
import { office } from './bench/office.mjs';
import { outbox } from './bench/outbox.mjs';
import { telegram } from './bench/telegram.mjs';
import { ARTEFACTS } from './harness.mjs';

/** Each bench returns rows of { what, ours, peer, ratio, budget }. */
const BENCHES = { 'first-sync': firstSync, arrival: arrivals, office, outbox, compose, telegram, ledger, logs, follow, logging, adopt, backup };

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}

const rows = [];
for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
  console.log(`   ${name} …`);
  rows.push(...await BENCHES[name]());
}
const columns = ['what', 'ours', 'peer', 'ratio', 'budget'];
const lines = [Object.fromEntries(columns.map((name) => [name, name])), ...rows].map((row) => columns.map((name) => String(row[name] ?? '')));
const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at].length)));
for (const line of lines) console.log(`   ${line.map((cell, at) => cell.padEnd(widths[at])).join(' | ')}`);
writeFileSync(join(ARTEFACTS, 'bench.json'), JSON.stringify(rows, null, 2));
