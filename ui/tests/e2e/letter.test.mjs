// A hostile mail in the real window: nothing runs, nothing is loaded, a link shows where it goes before it is opened.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { By, until } from 'selenium-webdriver';

import { Lab, Profile, Window, evidence, windowTest } from './harness.mjs';

const MAILBOX = { user: 'letters', name: 'Листи', address: 'letters@skrynka.test', password: 'пароль-2025' };

const hostile = (tracker) => `From: Stranger <stranger@example.org>
To: <letters@skrynka.test>
Subject: Hostile
Message-ID: <hostile@example.org>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<html><head><meta http-equiv="refresh" content="0;url=${tracker}/refresh">
<link rel="stylesheet" href="${tracker}/style.css"><script>top.hostile = 1; document.title = 'ran';</script></head>
<body background="${tracker}/background.png" onload="top.hostile = 1">
<p id="words">Words of the letter</p>
<img src="${tracker}/pixel.png" onerror="top.hostile = 1"><img src="https://pictures.example/pixel.png">
<iframe src="${tracker}/frame"></iframe><svg onload="top.hostile = 1"><script>top.hostile = 1</script></svg>
<form action="${tracker}/form"><button>send</button></form>
<div style="position:fixed;inset:0;background:url(${tracker}/css.png)">over everything</div>
<p><a href="https://evil.example/login">https://bank.example/</a></p>
</body></html>
`;

windowTest('a hostile mail runs nothing, loads nothing and leaves only by a link that is shown', { timeout: 180_000 }, async () => {
  const asked = [];
  const tracker = createServer((request, answer) => {
    asked.push(request.url);
    answer.end();
  });
  tracker.listen(0, '127.0.0.1');
  await once(tracker, 'listening');
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    await lab.ask('deliver', { user: MAILBOX.user, raw: hostile(`http://127.0.0.1:${tracker.address().port}`) });
    await profile.addMailbox(lab, MAILBOX);
    const window = await Window.open(profile);
    try {
      await window.shows('conversation-list', 'Hostile');
      await window.press('conversation-row');
      await showsTheLetter(window);
      await window.press('show-remote');
      // The banner goes and the frame is drawn anew: what is pressed before that is pressed somewhere else.
      await window.driver.wait(until.elementLocated(By.css('[data-testid="message-frame"][src$="?remote"]')), 30_000);
      await showsTheLetter(window);

      const top = await window.driver.executeScript(() => ({ hostile: globalThis.hostile, address: location.href }));
      assert.equal(top.hostile ?? null, null, 'nothing ran');
      assert.match(top.address, /^tauri:\/\/localhost\/?/, 'the window stays where it is');

      await inFrame(window, async (driver) => (await driver.findElement(By.css('a'))).click());
      await window.shows('link-target', 'https://evil.example/login');
      await inFrame(window, async (driver) =>
        assert.equal(await driver.findElement(By.css('p')).getText(), 'Words of the letter', 'the letter stays'));
      assert.deepEqual(asked, [], 'nothing was loaded');
      evidence('P5 no mail acts by itself', 'a hostile mail in the real window', '0 scripts, 0 requests, 0 navigations');
    } finally {
      await window.close();
    }
  } finally {
    await profile.remove();
    await lab.stop();
    tracker.close();
  }
});

async function showsTheLetter(window) {
  await inFrame(window, (driver) =>
    driver.wait(async () => (await driver.findElement(By.css('body')).getText()).includes('Words of the letter'), 10_000));
}

const REDRAWN = ['StaleElementReferenceError', 'NoSuchFrameError', 'NoSuchElementError', 'NoSuchWindowError'];

/** Works inside the letter's frame; begins again where the page has just drawn another frame in its place. */
async function inFrame(window, work) {
  for (let left = 20; ; left--) {
    try {
      await window.driver.switchTo().frame(await window.find('message-frame'));
      return await work(window.driver);
    } catch (problem) {
      if (left === 0 || !REDRAWN.includes(problem.name)) throw problem;
    } finally {
      await window.driver.switchTo().defaultContent();
    }
  }
}
