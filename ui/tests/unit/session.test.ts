import { beforeEach, expect, test, vi } from 'vitest';

import type { Backend, Commands, Listeners } from '../../src/ipc/backend';
import { IpcError, type Preferences, connectTo } from '../../src/ipc/client';
import { session } from '../../src/state/session.svelte';

let kept: Preferences;
let listeners: Listeners;
let saved: Preferences[] = [];
let answers: { ok: () => void; fail: () => void }[] = [];

const commands: Partial<Commands> = {
  appStatus: async () => ({ phase: 'starting', step: 'secrets' }),
  preferences: async () => kept,
  about: async () => ({ version: '', profile: '', database: 'private', secrets: 'keyring', systemLanguage: 'uk-UA', panickedAt: null }),
  setPreferences: (preferences) => {
    saved.push(preferences);
    return new Promise((resolve, reject) => answers.push({ ok: () => resolve(null), fail: () => reject(new IpcError({ code: 'file', detail: 'full' })) }));
  },
};

/** The tray turns do not disturb on or off. */
const tray = (doNotDisturb: boolean) => listeners.preferencesChanged({ ...kept, notices: { ...kept.notices, doNotDisturb } });

beforeEach(async () => {
  vi.stubGlobal('document', { documentElement: { dataset: {} }, hidden: false });
  vi.stubGlobal('navigator', { language: 'uk-UA' });
  kept = { ...session.preferences, theme: 'system', compact: false, notices: { ...session.preferences.notices, doNotDisturb: false, sound: true } };
  saved = [];
  answers = [];
  const backend = {
    commands: commands as Commands,
    listen: async (given) => {
      listeners = given;
      return () => undefined;
    },
  } satisfies Backend;
  connectTo(backend);
  await session.start();
});

test('what the tray chose while something was being saved stays, and goes with the next save', async () => {
  const saving = session.prefer({ compact: true });
  tray(true);
  expect([session.preferences.compact, session.preferences.notices.doNotDisturb]).toEqual([true, true]);
  const another = session.prefer({ notices: { sound: false } });
  for (const { ok } of answers) ok();
  await Promise.all([saving, another]);
  expect([session.preferences.compact, session.preferences.notices.doNotDisturb, session.preferences.notices.sound]).toEqual([true, true, false]);
  expect(saved.at(-1)).toEqual(session.preferences);
});

test('a change that could not be saved is taken back alone', async () => {
  const failing = session.prefer({ theme: 'dark' });
  const saving = session.prefer({ compact: true });
  tray(true);
  answers[0]?.fail();
  answers[1]?.ok();
  await expect(failing).rejects.toMatchObject({ code: 'file' });
  await saving;
  expect([session.preferences.theme, session.preferences.compact, session.preferences.notices.doNotDisturb]).toEqual(['system', true, true]);
});
