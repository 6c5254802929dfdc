import { expect, test } from 'vitest';

import { faults, useBrowser } from './browser';

const { open } = useBrowser();

test('the first run goes by Enter alone, and what was chosen in it stays chosen', async () => {
  const page = await open({ query: 'scenario=first' });
  await page.locator('[data-testid="language-uk"]:focus').waitFor();
  await page.getByTestId('language-pl').check();
  await page.getByText('Jaki język').waitFor();
  await page.getByTestId('language-uk').check();
  await page.getByText('Якою мовою').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('[data-testid="first-next"]:focus').waitFor();
  await page.locator('[data-testid="first-secrets"][data-state="ready"]').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('[data-testid="data-private"]:focus').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('[data-testid="first-add"]:focus').waitFor();
  await page.keyboard.press('Enter');
  // Who leaves the wizard is where they were.
  await page.getByTestId('wizard').waitFor();
  await page.getByRole('button', { name: 'Скасувати' }).click();
  await page.getByTestId('first-later').click();
  await page.getByTestId('add-mailbox').waitFor();
  expect(faults.get(page)).toEqual([]);
});

test('each step of the first run leads back, and a place that cannot be used can be exchanged for another one', async () => {
  const page = await open({ query: 'scenario=first&step=data&trouble=no_permission' });
  await page.getByTestId('first-back').click();
  await page.locator('[data-testid="first-secrets"][data-state="ready"]').waitFor();
  await page.getByTestId('first-back').click();
  await page.getByTestId('language-uk').waitFor();
  await page.getByTestId('first-next').click();
  await page.locator('[data-testid="first-secrets"][data-state="ready"]').waitFor();
  await page.getByTestId('first-next').click();
  await page.getByTestId('first-data').waitFor();
  await page.getByTestId('first-next').click();
  await page.getByTestId('retry-start').waitFor();
  await page.getByTestId('first-back').click();
  await page.getByTestId('data-server').check();
  await page.getByTestId('first-server-url').fill('postgres://olena@db.bureau.example/skrynka');
  await page.getByTestId('first-server-password').fill('secret');
  await page.getByTestId('first-next').click();
  await page.getByTestId('retry-start').waitFor();
  expect(await page.evaluate(() => window.bureau.calls['useServer'])).toBe(1);
});

test('without a keyring the first run makes a vault; a locked one can be unlocked or done without', async () => {
  const none = await open({ query: 'scenario=first&step=secrets&secrets=needs_vault' });
  await none.getByTestId('vault-passphrase').fill('чотири випадкові слова тут');
  await none.getByTestId('vault-passphrase-again').fill('чотири випадкові слова тут');
  await none.getByTestId('vault-submit').click();
  await none.locator('[data-testid="first-next"]:focus').waitFor();
  await none.getByText('Сховище Скриньки відімкнене').waitFor();

  const locked = await open({ query: 'scenario=first&step=secrets&secrets=locked' });
  await locked.getByTestId('vault-instead').click();
  await locked.getByTestId('vault-passphrase').waitFor();
  await locked.getByTestId('first-back').click();
  await locked.getByTestId('first-next').click();
  await expect.poll(() => locked.evaluate(() => window.bureau.calls['trySecrets'])).toBe(2);
});

test('a damaged backup is refused in the first run and nothing is begun with it', async () => {
  const page = await open({ query: 'scenario=first&step=data&file=damaged' });
  await page.getByTestId('data-backup').check();
  await page.getByTestId('first-next').click();
  await page.getByText('Резервну копію пошкоджено').waitFor();
  expect(await page.evaluate(() => window.bureau.calls['goFirstRun'] ?? 0)).toBe(0);
});

test('an error leads to its paragraph of the guide, and the guide gives back what was being done', async () => {
  const page = await open({ query: 'scenario=first&step=data&file=damaged' });
  await page.getByTestId('data-backup').check();
  await page.getByTestId('first-next').click();
  await page.getByTestId('what-is-this').click();
  const asked = page.locator('[data-testid="help"] .asked');
  await asked.waitFor();
  expect(await asked.innerText()).toBe('Копію не можна відновити');
  await page.locator('[data-testid="help"] .asked:focus').waitFor();
  await page.getByTestId('help-link').getByText('Резервні копії').click();
  await page.locator('[data-testid="help"] .asked', { hasText: 'Резервні копії' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('help').waitFor({ state: 'detached' });
  expect(await page.getByTestId('data-backup').isChecked()).toBe(true);
});

test('a backup folder is chosen, holds a backup at once, and can be given up', async () => {
  const page = await open();
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('backup-choose').click();
  await page.getByTestId('backup-last').getByText('відновлено на пробу').waitFor();
  await page.evaluate(() => window.bureau.fail('backUpNow', true));
  await page.getByTestId('backup-now').click();
  await page.getByTestId('backups').locator('xpath=following-sibling::*').getByTestId('what-is-this').waitFor();
  await page.getByTestId('backup-stop').click();
  await page.getByTestId('backup-now').waitFor({ state: 'detached' });
  await page.getByTestId('autostart').click();
  await page.locator('[data-testid="autostart"][aria-checked="true"]').waitFor();
});
