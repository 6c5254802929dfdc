// The old CRM's database, made anew: a Postgres of its own on a free loopback port.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './port.mjs';
import { OWNER, PROGRAMS } from './postgres.mjs';

const PASSWORD = 'стара-2023';

/** The tables as that system's scripts make them. */
const TABLES = `
CREATE TABLE telegram_accounts (id serial PRIMARY KEY, name varchar NOT NULL, phone varchar, session_string varchar NOT NULL, api_id integer, api_hash varchar, is_active boolean, created_at timestamptz DEFAULT now());
CREATE TABLE manager_smtp_accounts (id serial PRIMARY KEY, name varchar NOT NULL, email varchar NOT NULL, smtp_host varchar NOT NULL, smtp_port integer NOT NULL, smtp_user varchar NOT NULL, smtp_password varchar NOT NULL, imap_host varchar, imap_port integer, is_active boolean, created_at timestamptz DEFAULT now());
CREATE TABLE users (id uuid PRIMARY KEY, email varchar, first_name varchar, last_name varchar, role varchar, is_active boolean);
CREATE TABLE crm_clients (id integer PRIMARY KEY, full_name varchar, email varchar, phone varchar, source varchar);
CREATE TABLE communications_conversations (id uuid PRIMARY KEY, client_id integer, platform varchar, external_id varchar, subject varchar, manager_smtp_account_id integer, assigned_manager_id uuid, is_archived boolean, created_at timestamptz DEFAULT now());
CREATE TABLE communications_messages (id uuid PRIMARY KEY, conversation_id uuid, direction varchar, type varchar, content text, status varchar, attachments jsonb, meta_data jsonb, is_from_me boolean, sent_at timestamptz, external_id varchar(500), created_at timestamptz);
CREATE TABLE communications_attachments (id uuid PRIMARY KEY, message_id uuid, file_path varchar, file_type varchar, mime_type varchar, original_name varchar, file_size integer, created_at timestamptz DEFAULT now());
CREATE TABLE internal_notes (id serial PRIMARY KEY, entity_type varchar, entity_id varchar, author_name varchar, text text, created_at timestamptz)`;

export class OldCrm {
  #folder;
  #server;
  #port;

  /** Makes the database with these statements beside the tables, one a line, and starts its server; `durable` as one that a
   * bureau works on has to be. */
  static async start(statements, { durable = false } = {}) {
    const old = new OldCrm();
    old.#folder = mkdtempSync(join(tmpdir(), 'skrynka-old-crm-'));
    chmodSync(old.#folder, 0o711);
    const data = join(old.#folder, 'data');
    mkdirSync(data, { mode: 0o700 });
    if (OWNER.uid) chownSync(data, OWNER.uid, OWNER.gid);
    old.#run('initdb', ['--pgdata', data, '--username', 'owner', '--auth', 'scram-sha-256', '--pwfile', old.#file('owner', PASSWORD), '--encoding', 'UTF8', '--locale', 'C', '--no-sync']);
    const roles = [
      `CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}'`,
      'GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader',
    ];
    old.#single([...TABLES.trim().split(';\n'), ...statements, ...roles].map((line) => line.replaceAll('\n', ' ').replace(/;$/, '')));
    /** Its files. */
    old.media = join(old.#folder, 'media');
    mkdirSync(old.media);
    old.#port = await freePort();
    const settings = ['-D', data, '-p', String(old.#port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', `fsync=${durable ? 'on' : 'off'}`];
    old.#server = spawn(join(PROGRAMS, 'postgres'), settings, { ...OWNER, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
    await old.#ready();
    return old;
  }

  /** Its address with a role's name, and another database's of the same server: `owner` may do everything, `reader` only read. */
  url(role, database = 'postgres') {
    return `postgres://${role}@127.0.0.1:${this.#port}/${database}`;
  }

  get password() {
    return PASSWORD;
  }

  /** Stops the server, if it runs, and returns what a query printed. */
  async ask(query, database) {
    await this.#stop();
    return this.#single([query], database);
  }

  async remove() {
    await this.#stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #stop() {
    if (this.#server.exitCode !== null || this.#server.signalCode !== null) return;
    const ended = once(this.#server, 'exit');
    this.#server.kill('SIGINT');
    await ended;
  }

  async #ready() {
    let said = '';
    this.#server.stderr.setEncoding('utf8');
    for await (const text of this.#server.stderr) {
      said += text;
      if (said.includes('ready to accept connections')) break;
    }
    if (!said.includes('ready to accept connections')) throw new Error(`The old database did not start: ${said}`);
  }

  #file(name, text) {
    const path = join(this.#folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Runs statements without a server: there is no psql among the programs. */
  #single(lines, database = 'postgres') {
    return this.#run('postgres', ['--single', '-D', join(this.#folder, 'data'), '-c', 'fsync=off', '-c', 'exit_on_error=on', database], `${lines.join('\n')}\n`);
  }

  #run(program, words, input = '') {
    const done = spawnSync(join(PROGRAMS, program), words, { ...OWNER, cwd: '/', input, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${program} ended with ${done.status}: ${done.stderr} ${done.error ?? ''}`);
    return done.stdout;
  }
}
