// The long form of the ledgers, of mails and of chats: 10,000 messages, 20 faults. They run the test program, so their
// program is a debug build: what counts is that nothing is lost.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function ledger() {
  const folder = mkdtempSync(join(tmpdir(), 'skrynka-ledger-'));
  try {
    const env = { ...process.env, SKRYNKA_LEDGER: '10000:20', SKRYNKA_EVIDENCE: folder };
    const child = spawn('cargo', ['test', '--package', 'skrynka', '--test', 'program', '--', 'random_kills', '--test-threads=1', '--nocapture'], { env, stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`The ledger ended with ${code}`);
    return readdirSync(folder).map((name) => {
      const { test, figure } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      return { what: test, ours: figure, budget: '0 lost, 0 doubled' };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
