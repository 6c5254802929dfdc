// The old CRM's database on a server of its own, for the benches.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { until } from '../harness.mjs';
import { freePort } from '../harness/port.mjs';
import { OWNER, PROGRAMS } from '../harness/postgres.mjs';

/** A server of its own with the old system's tables, and its files. */
export class OldSystem {
  /** With so many messages, and so many files of so many bytes that cannot be packed. */
  static async start({ messages, files, fileBytes }) {
    const old = new OldSystem();
    old.folder = mkdtempSync(join(tmpdir(), 'skrynka-old-'));
    chmodSync(old.folder, 0o755);
    old.media = join(old.folder, 'media');
    mkdirSync(join(old.media, 'attachments'), { recursive: true });
    for (let number = 0; number < files; number++) {
      writeFileSync(join(old.media, 'attachments', `${number}.pdf`), Buffer.concat([Buffer.from('%PDF '), randomBytes(fileBytes)]));
    }
    old.data = join(old.folder, 'data');
    const run = (name, words) => {
      const done = spawnSync(join(PROGRAMS, name), words, { ...OWNER, cwd: old.folder, encoding: 'utf8' });
      if (done.status !== 0) throw new Error(`${name}: ${done.stderr ?? done.error}`);
    };
    mkdirSync(old.data);
    chmodSync(old.folder, 0o777);
    if (OWNER.uid) chownSync(old.data, OWNER.uid, OWNER.gid);
    run('initdb', ['-D', old.data, '-U', 'crm', '--auth=trust', '--encoding=UTF8', '--no-sync']);
    old.port = await freePort();
    old.server = spawn(join(PROGRAMS, 'postgres'), ['-D', old.data, '-p', String(old.port), '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off', '-c', `unix_socket_directories=${old.folder}`], { ...OWNER, cwd: old.folder, stdio: 'ignore' });
    old.url = `postgres://crm@127.0.0.1:${old.port}/postgres`;
    const query = (text) => spawnSync('psql', ['-h', '127.0.0.1', '-p', String(old.port), '-U', 'crm', '-d', 'postgres', '-v', 'ON_ERROR_STOP=1', '-qc', text], { encoding: 'utf8' });
    await until('the old server to answer', () => query('SELECT 1').status === 0);
    const filled = query(tables(messages, files));
    if (filled.status !== 0) throw new Error(`psql: ${filled.stderr ?? filled.error}`);
    return old;
  }

  async remove() {
    const ended = once(this.server, 'exit');
    this.server.kill('SIGINT');
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** 2,000 conversations, half mails of two mailboxes and half chats of one account. */
function tables(messages, files) {
  return `
    CREATE TABLE telegram_accounts (id serial PRIMARY KEY, name varchar, phone varchar, session_string varchar, api_id integer, api_hash varchar, is_active boolean, created_at timestamptz DEFAULT now());
    INSERT INTO telegram_accounts (name, phone, session_string, api_id, is_active) VALUES ('Бюро', '+48600100200', 's', 12345, true);
    CREATE TABLE manager_smtp_accounts (id serial PRIMARY KEY, name varchar, email varchar, smtp_host varchar, smtp_port integer, smtp_user varchar, smtp_password varchar, imap_host varchar, imap_port integer, is_active boolean);
    INSERT INTO manager_smtp_accounts (name, email, smtp_host, smtp_port, smtp_user, smtp_password) SELECT 'Пошта ' || n, 'office' || n || '@example.org', 'smtp.example.org', 587, 'u', 'p' FROM generate_series(1, 2) n;
    CREATE TABLE crm_clients (id uuid PRIMARY KEY, full_name varchar, email varchar, phone varchar);
    INSERT INTO crm_clients SELECT md5('p' || n)::uuid, 'Клієнт ' || n, 'client' || n || '@example.com', '' FROM generate_series(1, 1000) n;
    CREATE TABLE communications_conversations (id uuid PRIMARY KEY, client_id uuid, platform varchar, external_id varchar, subject varchar, manager_smtp_account_id integer, assigned_manager_id uuid, is_archived boolean, created_at timestamptz DEFAULT now());
    INSERT INTO communications_conversations SELECT md5('c' || n)::uuid, md5('p' || n / 2)::uuid, CASE WHEN n % 2 = 0 THEN 'email' ELSE 'telegram' END, CASE WHEN n % 2 = 0 THEN 'client' || n / 2 || '@example.com' ELSE (500000 + n)::text END, 'Переклад ' || n, CASE WHEN n % 2 = 0 THEN 1 + n / 2 % 2 END, NULL, n % 3 = 0 FROM generate_series(0, 1999) n;
    CREATE TABLE communications_messages (id uuid PRIMARY KEY, conversation_id uuid, direction varchar, type varchar, content text, status varchar, attachments jsonb, meta_data jsonb, is_from_me boolean, sent_at timestamptz, external_id varchar(500), created_at timestamptz);
    INSERT INTO communications_messages SELECT md5('m' || n)::uuid, md5('c' || n % 2000)::uuid, CASE WHEN n % 5 = 0 THEN 'outbound' ELSE 'inbound' END, 'text', 'Доброго дня, це повідомлення ' || n || repeat(' про переклад договору оренди', n % 9), CASE WHEN n % 11 = 0 THEN 'sent' ELSE 'read' END, NULL, CASE WHEN n % 2 = 1 THEN jsonb_build_object('telegram_chat_id', 500000 + n % 2000) END, NULL, NULL, CASE WHEN n % 2 = 0 AND n % 5 <> 0 THEN n || '@example.com' END, '2025-01-01'::timestamptz + n * interval '2 minutes' FROM generate_series(0, ${messages - 1}) n;
    CREATE INDEX ON communications_messages (conversation_id, created_at DESC);
    CREATE TABLE communications_attachments (id uuid PRIMARY KEY, message_id uuid, file_path varchar, file_type varchar, mime_type varchar, original_name varchar, file_size integer, created_at timestamptz DEFAULT now());
    INSERT INTO communications_attachments SELECT md5('f' || n)::uuid, md5('m' || n * ${Math.floor(messages / files)})::uuid, 'attachments/' || n || '.pdf', 'document', 'application/pdf', 'Договір ' || n || '.pdf', NULL FROM generate_series(0, ${files - 1}) n;
    CREATE INDEX ON communications_attachments (message_id);
    ANALYZE`;
}
