// What tests, the demo and the benches share: the lab's servers, the program and its window.
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { Window } from './harness/window.mjs';

export { Lab } from './harness/lab.mjs';
export { OldCrm } from './harness/old-crm.mjs';
export { enterPath, windows } from './harness/dialog.mjs';
export { APP, Profile } from './harness/profile.mjs';
export { Session } from './harness/session.mjs';
export { API, CODE, Telegram } from './harness/telegram.mjs';
export { Window };

/** Where pictures and reports go. `cargo xtask` says. */
export const ARTEFACTS = process.env.SKRYNKA_ARTEFACTS ?? join(process.cwd(), 'target', 'e2e');
mkdirSync(ARTEFACTS, { recursive: true });

/** A test in the real window. Mesa's software renderer kills WebKit's process now and then, and the driver's session dies
 * with it: such a test is run again, once, and says so. What the program does then is a test of its own. */
export function windowTest(name, options, work) {
  test(name, options, async () => {
    const before = Window.crashes;
    try {
      await work();
    } catch (problem) {
      if (Window.crashes === before) throw problem;
      console.error(`The process that draws the window died in "${name}", which is run again. It had failed with: ${problem.message}`);
      await work();
    }
  });
}

/** Leaves a row for the table that `cargo xtask test` ends with. */
export function evidence(promise, test, figure) {
  const folder = process.env.SKRYNKA_EVIDENCE;
  if (!folder) return;
  const name = `e2e-${test.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}.json`;
  writeFileSync(join(folder, name), JSON.stringify({ promise, test, figure }));
}

/** Waits until `look` returns something true, and returns that. */
export async function until(what, look, { within = 30_000, every = 50 } = {}) {
  const end = Date.now() + within;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`Waited ${within} ms in vain for ${what}`);
    await new Promise((wake) => setTimeout(wake, every));
  }
}

/** Delivers a mail and returns the milliseconds from the server's word on the wire to the painted row. */
export async function arrival(lab, window, user, subject, from = 'Проба <probe@example.net>') {
  await window.expectPaint('conversation-list', subject);
  await lab.ask('listen_for', { words: ' EXISTS' });
  await deliver(lab, user, subject, from);
  const painted = await window.painted(subject);
  const [heard] = await lab.ask('heard');
  return painted - heard;
}

/** Delivers a short mail over LMTP. */
export function deliver(lab, user, subject, from = 'Проба <probe@example.net>') {
  const head = `From: ${from}\nSubject: ${subject}\nMessage-ID: <${randomUUID()}@example.net>`;
  return lab.ask('deliver', { user, raw: `${head}\n\nДобрий день! Чи вже готово? Можемо забрати сьогодні.\n` });
}

/** The value below which the given share of the numbers lies. */
export function quantile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
