// A desktop session of its own: a message bus, a notification daemon, what shows tray icons, and a keyring.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { until } from '../harness.mjs';

const run = promisify(execFile);
const WATCHER = fileURLToPath(new URL('tray.py', import.meta.url));

const config = (path) => `<busconfig><type>session</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`;

/** A notice in dunst's own words (`-print`). */
const NOTICE = /\tsummary: '([\s\S]*?)'\n\tbody: '([\s\S]*?)'\n\ticon: [\s\S]*?\n\tid: (\d+)\n/g;

export class Session {
  #folder = mkdtempSync(join(tmpdir(), 'skrynka-session-'));
  #programs = [];
  #printed = '';
  #registered = '';
  #keyring;

  /** Starts the bus and dunst; with `tray`, also what a panel with a tray is to programs; with `keyring`, also an unlocked
   * gnome-keyring. */
  static async start({ tray = false, keyring = false } = {}) {
    const session = new Session();
    const path = join(session.#folder, 'bus');
    const file = join(session.#folder, 'bus.conf');
    writeFileSync(file, config(path));
    session.environment = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}`, XDG_RUNTIME_DIR: session.#folder };
    session.#start('dbus-daemon', [`--config-file=${file}`, '--nofork']);
    await until('the bus', () => session.ask('org.freedesktop.DBus', '/', 'org.freedesktop.DBus.GetId').then(() => true, () => false));
    const settings = join(session.#folder, 'dunstrc');
    writeFileSync(settings, '[global]\nidle_threshold = 0\n[urgency_normal]\ntimeout = 0\n');
    const dunst = session.#start('stdbuf', ['-oL', 'dunst', '-print', '-conf', settings]);
    dunst.stdout.setEncoding('utf8').on('data', (text) => (session.#printed += text));
    await until('dunst', () => session.ask('org.freedesktop.Notifications', '/org/freedesktop/Notifications', 'org.freedesktop.Notifications.GetServerInformation').then(() => true, () => false));
    if (tray) {
      const watcher = session.#start('/usr/bin/python3', [WATCHER]);
      watcher.stdout.setEncoding('utf8').on('data', (text) => (session.#registered += text));
      await until('the tray', () => session.#registered.includes('ready'));
    }
    if (keyring) await session.unlockKeyring();
    return session;
  }

  /** What a login does: the keyring opens with its password. */
  unlockKeyring() {
    return this.#keep('пароль входу');
  }

  /** The keyring as it stands before somebody has logged in: it answers and opens nothing. */
  lockKeyring() {
    return this.#keep(undefined);
  }

  async #keep(password) {
    if (this.#keyring) await this.#end(this.#keyring);
    const home = join(this.#folder, 'home');
    mkdirSync(join(home, 'keyrings'), { recursive: true });
    this.#keyring = spawn('gnome-keyring-daemon', ['--foreground', '--components=secrets', ...(password === undefined ? [] : ['--unlock'])], {
      env: { ...process.env, ...this.environment, HOME: home, XDG_DATA_HOME: home },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#keyring.stdin.end(password ?? '');
    await until('the keyring', () => this.ask('org.freedesktop.DBus', '/', 'org.freedesktop.DBus.NameHasOwner', 'org.freedesktop.secrets').then((answer) => answer === '(true,)'));
  }

  #start(program, words) {
    const child = spawn(program, words, { env: { ...process.env, ...this.environment }, stdio: ['ignore', 'pipe', 'ignore'] });
    this.#programs.push(child);
    return child;
  }

  /** Calls a method on the bus and returns gdbus's answer. */
  async ask(name, path, method, ...words) {
    const answer = await run('gdbus', ['call', '--session', '--dest', name, '--object-path', path, '--method', method, ...words], { env: { ...process.env, ...this.environment } });
    return answer.stdout.trim();
  }

  /** Every notice so far, oldest first; one that took another's place has the same id. */
  get notices() {
    return [...this.#printed.matchAll(NOTICE)].map(([, title, body, id]) => ({ title, body, id: Number(id) }));
  }

  /** Waits for the notice after the first `seen`. */
  async notice(seen) {
    await until(`notice ${seen + 1}`, () => this.notices.length > seen);
    return this.notices[seen];
  }

  /** Clicks the oldest of the notices on the screen: dunst 1.9 refuses any other. */
  async click() {
    await run('dunstctl', ['action', '0'], { env: { ...process.env, ...this.environment } });
  }

  /** How many notices are on the screen. */
  async shown() {
    const { stdout } = await run('dunstctl', ['count', 'displayed'], { env: { ...process.env, ...this.environment } });
    return Number(stdout.trim());
  }

  /** The icon that was put into the tray: its owner's name on the bus, and its path there. */
  async icon() {
    await until('an icon in the tray', () => this.#registered.includes('item '));
    const [, owner, path] = /item (\S+) (\S+)/.exec(this.#registered);
    return { owner, path };
  }

  /** A property of the icon, as text. */
  async iconProperty({ owner, path }, name) {
    const answer = await this.ask(owner, path, 'org.freedesktop.DBus.Properties.Get', 'org.kde.StatusNotifierItem', name);
    return /'([^']*)'/.exec(answer)?.[1] ?? '';
  }

  /** Chooses an item of the icon's menu by its words; the menu may be another one by the time it is chosen from. */
  async choose(icon, label) {
    const menu = await this.iconProperty(icon, 'Menu');
    await until(`${label} in the menu`, async () => {
      const layout = await this.ask(icon.owner, menu, 'com.canonical.dbusmenu.GetLayout', '0', '--', '-1', '[]');
      const item = [...layout.matchAll(/\((\d+), (\{[^{}]*\})/g)].find(([, , properties]) => properties.includes(`'${label}'`));
      if (!item) return false;
      const chosen = this.ask(icon.owner, menu, 'com.canonical.dbusmenu.Event', item[1], 'clicked', '<0>', '0');
      return chosen.then(() => true, (error) => {
        if (String(error).includes('does not refer to a menu item')) return false;
        throw error;
      });
    });
  }

  async stop() {
    if (this.#keyring) await this.#end(this.#keyring);
    for (const program of this.#programs.toReversed()) await this.#end(program);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #end(program) {
    if (program.exitCode !== null || program.signalCode !== null) return;
    const ended = once(program, 'exit');
    program.kill();
    await ended;
  }
}
