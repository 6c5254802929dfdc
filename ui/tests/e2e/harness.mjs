// What tests, the demo and the benches share: the lab's servers, the program and its window.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export { Lab } from './harness/lab.mjs';
export { APP, Profile } from './harness/profile.mjs';
export { Window } from './harness/window.mjs';

/** Where pictures and reports go. `cargo xtask` says. */
export const ARTEFACTS = process.env.SKRYNKA_ARTEFACTS ?? join(process.cwd(), 'target', 'e2e');
mkdirSync(ARTEFACTS, { recursive: true });

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

/** The value below which the given share of the numbers lies. */
export function quantile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
