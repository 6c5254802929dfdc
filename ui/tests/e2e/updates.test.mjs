// Updates in the real window, from a real server with real signatures: only a newer version that is signed as that version
// and has the announced size is taken, whatever goes wrong leaves the program as it was, and the new one is started.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ARTEFACTS, Profile, Window, evidence, until, windowTest } from './harness.mjs';

const TAURI = fileURLToPath(new URL('../../node_modules/.bin/tauri', import.meta.url));
const NEWER = '9.8.7';

/** A key that exists for this test, as whoever releases Skrynka has one. */
function makeKey(folder, name) {
  const path = join(folder, name);
  execFileSync(TAURI, ['signer', 'generate', '--ci', '--password', '', '--write-keys', path], { stdio: 'ignore' });
  return { path, public: readFileSync(`${path}.pub`, 'utf8').trim() };
}

/** Signs a file as this version; returns what a manifest carries. */
function sign(key, file, version) {
  const words = ['signer', 'sign', '--private-key-path', key.path, '--password', ''];
  execFileSync(TAURI, [...words, ...(version ? ['--app-version', version] : []), file], { stdio: 'ignore' });
  return readFileSync(`${file}.sig`, 'utf8').trim();
}

/** A server of updates; `manifest` and `send` say what it does just now. */
async function serve(state) {
  const server = createServer((request, response) => {
    if (request.url === '/latest.json') response.setHeader('Content-Type', 'application/json').end(JSON.stringify(state.manifest));
    else state.send(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((done) => (server.closeAllConnections(), server.close(done))) };
}

windowTest('an update is taken only if it is newer, signed as that version and of its size, and is started then', { timeout: 120_000 }, async () => {
  const profile = new Profile();
  const state = {};
  const server = await serve(state);
  try {
    const keys = join(profile.home, 'keys');
    mkdirSync(keys);
    const [key, stranger] = [makeKey(keys, 'ours'), makeKey(keys, 'theirs')];
    // The program is told that it is an AppImage: that kind is replaced without a package manager's password.
    const installed = join(profile.home, 'installed.AppImage');
    writeFileSync(installed, 'the old program', { mode: 0o755 });
    const started = join(profile.home, 'started');
    const program = join(keys, 'program');
    // The installer takes nothing but a program; this one leaves the words that it was started with.
    const source = 'int main(int n, char **words) { FILE *f = fopen(LEFT, "w"); while (*words) fprintf(f, "%s\\n", *words++); return fclose(f); }';
    execFileSync('cc', ['-include', 'stdio.h', `-DLEFT="${started}"`, '-x', 'c', '-o', program, '-'], { input: source });
    const bytes = readFileSync(program);
    const offer = (signature, { version = NEWER, size = bytes.length } = {}) =>
      (state.manifest = { version, notes: 'Швидший пошук', platforms: { 'linux-x86_64': { url: `${server.url}/program`, signature, size } } });
    const good = sign(key, program, NEWER);
    const older = sign(key, program, '0.0.9');
    const unnamed = sign(key, program);
    const foreign = sign(stranger, program, NEWER);
    state.send = (response) => response.end(bytes);

    const environment = { SKRYNKA_TEST_UPDATES: `${server.url}/latest.json ${key.public}`, APPIMAGE: installed };
    const window = await Window.open(profile, { environment });
    try {
      await window.press('nav-settings');
      const says = (word) => window.shows('update-said', word).catch(async (problem) => { throw new Error(`${problem.message}: ${await window.text('update-said')}`); });
      const look = async () => { await window.press('update-check'); };

      offer(good, { version: '0.0.9' });
      await look();
      await says('There is no newer version');

      for (const [what, signature, options] of [
        ['an older package under a newer number', older, {}],
        ['a package signed without a version', unnamed, {}],
        ['somebody else’s signature', foreign, {}],
        ['more bytes than announced', good, { size: bytes.length - 1 }],
        ['fewer bytes than announced', good, { size: bytes.length + 1 }],
      ]) {
        offer(signature, options);
        await look();
        await says(`There is version ${NEWER}`);
        await window.press('update-fetch');
        await says('The update was refused');
        assert.equal(readFileSync(installed, 'utf8'), 'the old program', what);
      }

      offer(good);
      state.send = (response) => { response.setHeader('Content-Length', bytes.length); response.write(bytes.subarray(0, 9), () => response.destroy()); };
      await look();
      await says(`There is version ${NEWER}`);
      await window.press('update-fetch');
      await says('The update did not arrive');
      assert.equal(readFileSync(installed, 'utf8'), 'the old program');

      state.send = (response) => response.end(bytes);
      await look();
      await window.press('update-fetch');
      await says(`Version ${NEWER} is downloaded`);
      await window.picture(join(ARTEFACTS, 'update-fetched.png'));
      assert.ok(!existsSync(started), 'started before anybody agreed');
      await window.press('update-install').catch((problem) => {
        // The window may be gone before the driver has said that the button was pressed.
        if (!existsSync(started)) throw problem;
      });
      await until('the new program', () => existsSync(started) && readFileSync(started, 'utf8').includes(profile.folder));
      assert.deepEqual(readFileSync(installed), bytes);
      assert.equal(statSync(installed).mode & 0o111, 0o111);
      await until('the end of the old one', () => profile.logged('Program ended').length > 0);
    } finally {
      await window.close();
    }
    evidence('P4', 'an update is proved before it is installed', '5 wrong packages and 1 broken download refused, the right one started');
  } finally {
    await server.stop();
    await profile.remove();
  }
});
