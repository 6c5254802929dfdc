import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'vite';
import type { TestProject } from 'vitest/node';

const ui = fileURLToPath(new URL('../..', import.meta.url));
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2' };

declare module 'vitest' {
  interface ProvidedContext {
    site: string;
  }
}

/** Builds the window over the invented bureau and serves it under the policy of `tauri.conf.json`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const began = performance.now();
  if (!process.env['SKRYNKA_SITE_BUILT']) await build({ root: ui, mode: 'fake', logLevel: 'error' });
  const policy = await appPolicy();
  const root = join(ui, 'tests/.artefacts/site');
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://site').pathname;
    const file = normalize(join(root, path === '/' ? 'index.html' : path));
    readFile(file).then(
      (content) => {
        // An invented mail stands for the `mail:` scheme, which answers with its own policy.
        const mail = path !== '/' && path.endsWith('.html');
        response.writeHead(200, {
          'content-type': `${types[extname(file)] ?? 'application/octet-stream'}; charset=utf-8`,
          'content-security-policy': mail ? "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox" : policy,
        });
        response.end(content);
      },
      // A browser asks for an icon by itself; Tauri's window does not.
      () => response.writeHead(path === '/favicon.ico' ? 204 : 404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  project.provide('site', site);
  console.log(`site built in ${Math.round(performance.now() - began)} ms, served at ${site}`);
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** The window's own policy; only the mails come from this server in the place of `mail:`. */
async function appPolicy(): Promise<string> {
  const config = JSON.parse(await readFile(join(ui, '../tauri.conf.json'), 'utf8')) as { app: { security: { csp: Record<string, string> } } };
  const csp = { ...config.app.security.csp, 'frame-src': "'self'" };
  return Object.entries(csp)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}
