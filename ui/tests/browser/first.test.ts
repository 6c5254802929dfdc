import { expect, test } from 'vitest';
import { drawn, faults, pictures, row, useBrowser } from './browser';

const { open } = useBrowser();

test('look', async () => {
  const page = await open();
  await row(page, 0).waitFor();
  await row(page, 0).click();
  await page.getByTestId('message').last().waitFor();
  await page.waitForTimeout(600);
  await page.screenshot({ path: `${pictures}first.png` });
  await page.getByTestId('nav-accounts').click();
  await page.locator('[data-id="acc-pry"] [data-testid="account-more"]').click();
  await drawn(page);
  await page.screenshot({ path: `${pictures}accounts.png` });
  await page.getByTestId('add-mailbox').click();
  await page.getByTestId('mailbox-address').fill('office@gmail.com');
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('mailbox-password').fill('wrong');
  await page.screenshot({ path: `${pictures}servers.png` });
  await page.getByTestId('wizard-next').click();
  await page.waitForTimeout(800);
  await page.screenshot({ path: `${pictures}since.png` });
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-state="failed"]').waitFor();
  await drawn(page);
  await page.screenshot({ path: `${pictures}test.png` });
  await page.getByTestId('nav-logs').click();
  await page.getByTestId('log-row').last().waitFor();
  await page.getByTestId('log-text').fill('tls');
  await page.waitForTimeout(500);
  await page.getByTestId('log-row').nth(4).click();
  await drawn(page);
  await page.screenshot({ path: `${pictures}logs.png` });
  await page.getByTestId('nav-diagnostics').click();
  await page.getByTestId('check').first().waitFor();
  await page.screenshot({ path: `${pictures}diagnostics.png` });
  await page.getByTestId('nav-settings').click();
  await drawn(page);
  await page.screenshot({ path: `${pictures}settings.png` });
  for (const s of ['vault-new', 'starting', 'db-disk_full', 'empty']) {
    const p = await open({ query: `scenario=${s}` });
    await p.waitForTimeout(500);
    await p.screenshot({ path: `${pictures}${s}.png` });
  }
  const d = await open({ width: 1024, height: 700, dark: true });
  await row(d, 0).click();
  await d.waitForTimeout(700);
  await d.screenshot({ path: `${pictures}dark1024.png` });
  const n = await open({ width: 720, height: 450 });
  await row(n, 2).waitFor();
  await n.screenshot({ path: `${pictures}720.png` });
  await row(n, 2).click();
  await n.waitForTimeout(700);
  await n.screenshot({ path: `${pictures}720talk.png` });
  console.log(faults.get(page), faults.get(d));
  expect(1).toBe(1);
});
