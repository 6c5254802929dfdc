import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { row, useBrowser } from './browser';

const { open } = useBrowser();

const step = (page: Page, name: string) => page.locator(`[data-testid="adopt"][data-step="${name}"]`).waitFor();
const shown = (page: Page, name: string) => page.locator(`[data-testid="adopt"][data-page="${name}"]`).waitFor();
const calls = (page: Page, command: string) => page.evaluate((command) => window.bureau.calls[command] ?? 0, command);

async function fromSettings(page: Page): Promise<void> {
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('adopt-open').click();
}

test('a newcomer takes the old CRM over from the first run to the inbox, by keys alone', async () => {
  const page = await open({ query: 'scenario=first&step=data' });
  await page.getByTestId('data-adopt').check();
  await page.getByTestId('adopt-to-private').waitFor();
  await page.getByTestId('first-next').focus();
  await page.keyboard.press('Enter');
  // The first field has the keys; an address that is none is said there.
  await page.locator('[data-testid="adopt-from"]:focus').waitFor();
  await page.keyboard.type('crm');
  await page.keyboard.press('Enter');
  await page.locator('[data-testid="adopt-from"][aria-invalid="true"]:focus').waitFor();
  expect(await calls(page, 'lookAtOld')).toBe(0);
  await page.getByTestId('adopt-from').fill('postgres://reader@127.0.0.1/crm');
  await page.getByTestId('adopt-media').click();
  await page.getByTestId('adopt-folder').getByText('/srv/crm/media').waitFor();
  await page.getByTestId('adopt-card').fill('crm.example.org/{id}');
  await page.getByTestId('adopt-card').press('Enter');
  await page.locator('[data-testid="adopt-card"][aria-invalid="true"]:focus').waitFor();
  await page.getByTestId('adopt-card').fill('https://crm.example.org/clients/{id}');
  await page.getByTestId('adopt-password').fill('right');
  await page.getByTestId('adopt-password').press('Enter');
  await step(page, 'looked');
  await page.locator('[data-thing="messages"]').getByText('48').first().waitFor();
  const lost = page.locator('[data-why="no_file"]').first();
  await lost.locator('summary').click();
  await lost.getByText('/media/attachments/8f1c.bin').waitFor();
  await page.getByTestId('adopt-run').focus();
  await page.keyboard.press('Enter');
  await step(page, 'came');
  await page.locator('[data-testid="adopt-next"]:focus').waitFor();
  await page.keyboard.press('Enter');
  // Nothing is tried before somebody says that the old listeners are stopped.
  await page.locator('[data-testid="adopt-stopped"]:focus').waitFor();
  expect(await page.getByTestId('adopt-try').isDisabled()).toBe(true);
  await page.keyboard.press('Space');
  await page.keyboard.press('Enter');
  await step(page, 'handed_over');
  expect(await page.locator('[data-testid="adopt-account"][data-state="live"]').count()).toBe(2);
  await page.getByTestId('adopt-next').click();
  await page.locator('[data-testid="adopt-sure"]:focus').waitFor();
  expect(await page.getByTestId('adopt-empty').isDisabled()).toBe(true);
  await page.keyboard.press('Space');
  await page.getByTestId('adopt-empty').click();
  await step(page, 'emptied');
  await page.getByText('Стерто 3 секрети').waitFor();
  await page.getByTestId('adopt-next').click();
  await page.getByTestId('adopt-done').waitFor();
  await page.getByTestId('adopt-end').click();
  await page.getByTestId('nav-settings').waitFor();
  expect(await calls(page, 'leaveAdoption')).toBe(1);
});

test('what is refused is said with what to do, and the password is asked for again', async () => {
  const page = await open({ query: 'old=old_database_sign_in' });
  await fromSettings(page);
  await page.getByTestId('adopt-from').fill('postgres://reader@127.0.0.1/crm');
  await page.getByTestId('adopt-password').fill('wrong');
  await page.getByTestId('adopt-look').click();
  await page.getByRole('alert').getByText('Нічого не змінено').waitFor();
  expect(await page.getByTestId('adopt-password').inputValue()).toBe('');
  expect(await page.getByTestId('adopt-from').inputValue()).toBe('postgres://reader@127.0.0.1/crm');
  await page.getByTestId('what-is-this').click();
  await page.locator('[data-testid="help"] .asked').getByText('Стара база не впустила').waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('help').waitFor({ state: 'detached' });
  await page.getByTestId('adopt-password').fill('right');
  await page.getByTestId('adopt-look').click();
  await step(page, 'looked');
});

test('it goes on while somebody works elsewhere, is stopped and goes on, and says when it has come', async () => {
  const page = await open({ query: 'adopt=looked&adoptHeld' });
  await fromSettings(page);
  await page.getByTestId('adopt-run').click();
  await step(page, 'running');
  await page.getByTestId('adopt-stop').click();
  await shown(page, 'report');
  await page.getByText('Перенесене збережено').first().waitFor();
  await page.getByTestId('adopt-run').click();
  await page.locator('[data-testid="adopt-progress"][data-done="48213"]').waitFor();
  await page.getByTestId('adopt-leave').click();
  await row(page, 0).waitFor();
  await page.locator('[data-testid="adopt"]').waitFor({ state: 'detached' });
  await page.evaluate(() => window.bureau.adoptionEnds());
  await page.getByTestId('adopt-show').click();
  await step(page, 'came');
});

test('trying accounts and emptying their old secrets stop between two, and are gone on with', async () => {
  const page = await open({ query: 'adopt=came&adoptHeld' });
  await fromSettings(page);
  await page.getByTestId('adopt-next').click();
  await page.getByTestId('adopt-stopped').check();
  await page.getByTestId('adopt-try').click();
  // The one that is being tried comes to its end; whoever waits is told so.
  await page.locator('[data-testid="adopt-progress"][data-phase="trying"][data-done="1"]').getByText('1 з 6').waitFor();
  await page.locator('[data-testid="adopt-stop"]:focus').waitFor();
  await page.keyboard.press('Enter');
  await page.getByTestId('adopt-stopping').waitFor();
  expect(await page.getByTestId('adopt-stop').isDisabled()).toBe(true);
  await page.evaluate(() => window.bureau.adoptionEnds());
  await step(page, 'handed_over');
  await page.getByText('Ще не перевірено 4 акаунти').waitFor();
  expect(await page.getByTestId('adopt-account').count()).toBe(2);
  await page.getByTestId('adopt-go-on').click();
  await page.getByTestId('adopt-again').waitFor();
  expect(await page.getByTestId('adopt-account').count()).toBe(6);
  await page.getByTestId('adopt-next').click();
  await page.getByTestId('adopt-sure').check();
  await page.getByTestId('adopt-empty').click();
  await page.locator('[data-testid="adopt-progress"][data-phase="emptying"][data-done="0"]').waitFor();
  await page.getByTestId('adopt-stop').click();
  await page.getByTestId('adopt-stopping').waitFor();
  await page.evaluate(() => window.bureau.adoptionEnds());
  // What was emptied is said where it was begun.
  await shown(page, 'secrets');
  await step(page, 'handed_over');
  await page.getByText('Стерто 2 секрети. Решта лежить').waitFor();
  await page.getByTestId('adopt-sure').check();
  await page.getByTestId('adopt-empty').click();
  await page.locator('[data-testid="adopt-progress"][data-phase="emptying"]').waitFor();
  await page.evaluate(() => window.bureau.adoptionEnds());
  await step(page, 'emptied');
  await page.getByText('Стерто 3 секрети').waitFor();
});

test('an account that did not work leads to its repair and back', async () => {
  const page = await open({ query: 'telegram&adopt=handed_over' });
  await fromSettings(page);
  await page.locator('[data-name="docs@bureau.example"]').getByTestId('adopt-repair').click();
  await page.getByTestId('wizard').waitFor();
  await fromSettings(page);
  await page.locator('[data-name="docs@bureau.example"]').waitFor();
});

test('secrets that may not be emptied stay, and it is said', async () => {
  const page = await open({ query: 'adopt=handed_over&role=reader' });
  await fromSettings(page);
  await page.getByTestId('adopt-next').click();
  await page.getByTestId('adopt-sure').check();
  await page.getByTestId('adopt-empty').click();
  await page.getByRole('alert').getByText('UPDATE').waitFor();
});

test('what came over is seen in the conversation: marks, notes and the card', async () => {
  const page = await open({ query: 'adopted' });
  await row(page, 0).click();
  await page.getByTestId('adopted-waits').first().waitFor();
  await page.getByTestId('adopted-missing').first().waitFor();
  await page.getByTestId('person-note').first().getByText('Апостиль').waitFor();
  await page.getByTestId('person-card').click();
  await expect.poll(() => calls(page, 'openLink')).toBe(1);
});
