// A throw-away profile with a vault, and the program's command line on it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const APP = process.env.SKRYNKA_APP;

/** Waits until this program removes the profile or dies of whatever. A command of the program ends the private database
 * where a killed one left it running. */
const WATCHER = 'cat >/dev/null; "$@" migrate --status >/dev/null 2>&1; rm -rf -- "$HOME"';

export class Profile {
  /** The file that leads to the lab's Telegram, once there is one. */
  telegram;
  #watcher;
  #session;

  /**
   * Secrets are in a vault; with a `session` in its keyring. A `fresh` one is as a newcomer finds it: with the first run, and
   * without a key that opens the vault by itself.
   */
  constructor({ session, fresh = false } = {}) {
    if (!APP) throw new Error('SKRYNKA_APP is not set: start this through `cargo xtask`');
    this.home = mkdtempSync(join(tmpdir(), 'skrynka-e2e-'));
    this.folder = join(this.home, 'profile');
    this.#session = session?.environment;
    // Under root the private database runs as a user who must get through, or it would stand outside the profile.
    chmodSync(this.home, 0o711);
    mkdirSync(this.folder, { mode: 0o711 });
    this.keyFile = join(this.home, 'vault-key');
    writeFileSync(this.keyFile, randomBytes(32).toString('hex'), { mode: 0o600 });
    // A release build knows no checkout: its Postgres is named in the settings, as a bureau's own would be.
    const binaries = process.env.SKRYNKA_POSTGRES;
    if (!fresh) writeFileSync(join(this.folder, 'settings.json'), JSON.stringify(binaries ? { database: { binaries } } : {}));
    this.windowArguments = fresh ? ['--profile', this.folder] : this.arguments;
    this.#watcher = spawn('sh', ['-c', WATCHER, 'watcher', APP, ...this.arguments], {
      env: this.environment,
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }

  /** What every call of the program begins with. */
  get arguments() {
    return ['--profile', this.folder, ...(this.#session ? [] : ['--vault-key-file', this.keyFile])];
  }

  /** The surroundings of the program: nothing of the person who runs this is read or written. */
  get environment() {
    return {
      ...process.env,
      ...this.#session,
      HOME: this.home,
      XDG_DATA_HOME: join(this.home, 'data'),
      XDG_CONFIG_HOME: join(this.home, 'config'),
      XDG_CACHE_HOME: join(this.home, 'cache'),
      LANG: 'C.UTF-8',
      ...(this.telegram && { SKRYNKA_TELEGRAM_CENTRES: this.telegram }),
      // Mesa complains for every shader once the folder is gone.
      MESA_SHADER_CACHE_DISABLE: 'true',
    };
  }

  /** Starts one command of the command line and returns the process. */
  start(...words) {
    return spawn(APP, [...this.arguments, '--json', ...words], {
      env: this.environment,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Runs one command to its end and returns the JSON lines it printed. `input` goes to its standard input. */
  async run(words, input = '') {
    const child = this.start(...words);
    child.stdin.end(input);
    let [output, trouble] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (trouble += text));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`skrynka ${words.join(' ')} ended with ${code}: ${trouble.trim()}`);
    return output.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  /** Adds a mailbox of the lab. `security` is `tls` or `loopback_plain`. */
  async addMailbox(lab, { user, name, address, password }, security = 'loopback_plain') {
    const tls = security === 'tls';
    const [imap, smtp] = tls ? [lab.endpoints.imaps, lab.endpoints.smtps] : [lab.endpoints.imap, lab.endpoints.smtp];
    const words = ['account', 'add', 'email', '--name', name, '--address', address, '--user', user];
    words.push('--imap', imap, '--imap-security', security, '--smtp', smtp, '--smtp-security', security);
    if (tls) words.push('--ca-file', lab.endpoints.ca_file);
    const [account] = await this.run([...words, '--secrets-stdin'], JSON.stringify({ password }));
    return account;
  }

  /** The lines of the log that say this, as objects. */
  logged(message) {
    const folder = join(this.folder, 'logs');
    const lines = readdirSync(folder).sort().flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
    return lines.filter((line) => line.includes(message) && line.endsWith('}')).map((line) => JSON.parse(line));
  }

  /** Every stored message. */
  messages() {
    return this.run(['export', 'messages']);
  }

  /** Ends what still runs on the profile and removes it. */
  async remove() {
    const ended = once(this.#watcher, 'exit');
    this.#watcher.stdin.end();
    await ended;
  }
}
