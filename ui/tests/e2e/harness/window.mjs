// The real window, driven by WebKitWebDriver. Needs a display; `cargo xtask` starts one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync, writeFileSync } from 'node:fs';

import { Builder, By, Capabilities, Key, until as located } from 'selenium-webdriver';

import { freePort } from './port.mjs';
import { descendants, programOf, runs } from './processes.mjs';
import { APP } from './profile.mjs';

export class Window {
  /** How many windows lost the process that draws them, without a test having wanted it. */
  static crashes = 0;

  #process;
  #drawing;

  /** Opens the window on a profile. `environment` adds variables to the profile's own. Without `pictures` it is drawn as
   * the program chooses; on a computer without a graphics card, that is past the compositor, of which WebKit's driver
   * takes no picture: it never answers. */
  static async open(profile, { width = 1440, height = 900, environment = {}, pictures = true } = {}) {
    const window = new Window();
    const port = await freePort();
    window.#process = spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
      stdio: ['ignore', 'inherit', 'inherit'],
      // The driver refuses an app that does not offer itself. The bus would lead to a window that a person has open.
      env: { ...profile.environment, ...(pictures && { WEBKIT_DISABLE_DMABUF_RENDERER: '0' }), DBUS_SESSION_BUS_ADDRESS: 'disabled:', ...environment, TAURI_WEBVIEW_AUTOMATION: 'true' },
    });
    const server = `http://127.0.0.1:${port}/`;
    try {
      await answers(server);
      const capabilities = new Capabilities();
      capabilities.setBrowserName('wry');
      capabilities.set('webkitgtk:browserOptions', { binary: APP, args: profile.windowArguments });
      window.driver = await new Builder().withCapabilities(capabilities).usingServer(server).build();
      await window.resize(width, height);
      window.#drawing = window.drawing();
    } catch (error) {
      await window.close();
      throw error;
    }
    return window;
  }

  /** Finds an element by its `data-testid` and, if given, the values of other data attributes. */
  find(testid, data = {}, within = 30_000) {
    const more = Object.entries(data).map(([name, value]) => `[data-${name}="${value}"]`);
    return this.driver.wait(located.elementLocated(By.css(`[data-testid="${testid}"]${more.join('')}`)), within);
  }

  findAll(testid) {
    return this.driver.findElements(By.css(`[data-testid="${testid}"]`));
  }

  /** Presses something as soon as it is there and can be pressed. */
  async press(testid, data = {}) {
    // A list that is drawn anew between finding and pressing has another element in its place.
    for (let left = 5; ; left--) {
      try {
        const element = await this.find(testid, data);
        await this.driver.wait(located.elementIsEnabled(element), 30_000);
        return await element.click();
      } catch (problem) {
        if (left === 0 || problem.name !== 'StaleElementReferenceError') throw problem;
      }
    }
  }

  /** Opens the conversation whose row bears this name. */
  async pressRow(name) {
    const row = By.xpath(`//*[@data-testid="conversation-row"][.//b[.="${name}"]]`);
    for (let left = 5; ; left--) {
      try {
        return await (await this.driver.wait(located.elementLocated(row), 30_000)).click();
      } catch (problem) {
        if (left === 0 || problem.name !== 'StaleElementReferenceError') throw problem;
      }
    }
  }

  /** Types into a field; what stood there is gone. */
  async type(testid, text) {
    const element = await this.find(testid);
    await this.driver.executeScript((field) => field.select(), element);
    await element.sendKeys(text || Key.BACK_SPACE);
  }

  /** Chooses a passphrase for a vault, in the first run. */
  async makeVault(phrase) {
    await this.type('vault-passphrase', phrase);
    await this.type('vault-passphrase-again', phrase);
    await this.press('vault-submit');
    await this.find('first-secrets', { state: 'ready' });
  }

  /** Types a mailbox of the lab's into the wizard, from its address to its servers. */
  async typeMailbox(lab, { address, password, user }) {
    await this.type('mailbox-address', address);
    await this.press('wizard-next');
    await this.type('mailbox-password', password);
    await this.type('mailbox-user', user);
    await this.typeServers(lab);
  }

  /** Fills in the servers of a mailbox, as the lab has them. */
  async typeServers(lab) {
    const [imapHost, imapPort] = lab.endpoints.imap.split(':');
    const [smtpHost, smtpPort] = lab.endpoints.smtp.split(':');
    await this.choose('imap-security', 'loopback_plain');
    await this.type('imap-host', imapHost);
    await this.type('imap-port', imapPort);
    await this.choose('smtp-security', 'loopback_plain');
    await this.type('smtp-host', smtpHost);
    await this.type('smtp-port', smtpPort);
  }

  /** Chooses an option of a list by its value. */
  async choose(testid, value) {
    const list = await this.find(testid);
    await list.findElement(By.css(`option[value="${value}"]`)).click();
  }

  async text(testid, data = {}) {
    return (await this.find(testid, data)).getText();
  }

  /** Waits until the text stands somewhere in an element. */
  async shows(testid, text, within = 30_000) {
    const find = () => this.driver.executeScript(
      (testid, text) => document.querySelector(`[data-testid="${testid}"]`)?.textContent.includes(text) ?? false, testid, text);
    await this.driver.wait(find, within, `"${text}" did not appear in ${testid}`, 20);
  }

  /** Notes the time at which a text is first painted in an element; `painted` tells it. */
  expectPaint(testid, text) {
    return this.driver.executeScript((testid, text) => {
      const painted = (window.__painted ??= {});
      delete painted[text];
      const look = () => {
        if (!document.querySelector(`[data-testid="${testid}"]`)?.textContent.includes(text)) return;
        observer.disconnect();
        // The frame that holds the row has been handed over when a message posted inside it arrives.
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => (painted[text] = performance.timeOrigin + performance.now());
          port2.postMessage(null);
        });
      };
      const observer = new MutationObserver(look);
      observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    }, testid, text);
  }

  /** Waits for a text of `expectPaint` and returns when it was painted, in Unix milliseconds. */
  painted(text, within = 30_000) {
    return this.driver.wait(() => this.driver.executeScript((text) => window.__painted?.[text] ?? null, text), within,
      `"${text}" was not painted`, 20);
  }

  resize(width, height) {
    return this.driver.manage().window().setRect({ width, height });
  }

  /** Shows the window in `light` or `dark` whatever the settings say. */
  theme(name) {
    return this.driver.executeScript((name) => { document.documentElement.dataset.theme = name; }, name);
  }

  /** Takes a picture of what stands still. Two frames are let pass: WebKit's driver hands out the one before otherwise. */
  async picture(path) {
    await this.driver.executeAsyncScript((done) => {
      const passing = document.getAnimations().filter((animation) => Number.isFinite(animation.effect.getComputedTiming().endTime));
      Promise.allSettled(passing.map((animation) => animation.finished))
        .then(() => requestAnimationFrame(() => requestAnimationFrame(() => done())));
    });
    writeFileSync(path, await this.driver.takeScreenshot(), 'base64');
  }

  /** Process ids of the program itself. */
  processes() {
    return descendants(this.#process.pid).filter((pid) => runs(pid, realpathSync(APP)));
  }

  /** The process that draws the window. */
  drawing() {
    return descendants(this.#process.pid).find((pid) => programOf(pid)?.endsWith('/WebKitWebProcess'));
  }

  /** Kills the program as a power cut would. */
  async kill() {
    this.#count();
    for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
    await this.#end();
  }

  /** Closes the window in good order and waits for the program to be gone. What does not end is killed: it would outlive
   * the tests, and whoever reads their output would wait for it. */
  async close() {
    this.#count();
    const pids = this.driver ? this.processes() : [];
    await this.driver?.close().catch(() => undefined);
    if (!(await gone(pids, 15_000))) {
      console.error('The program did not end with its window and was killed');
      for (const pid of pids.filter((pid) => runs(pid))) process.kill(pid, 'SIGKILL');
    }
    await this.#end();
  }

  #count() {
    // The program outlives what draws its window; its own end is no excuse.
    if (this.#drawing && this.processes().length > 0 && this.drawing() !== this.#drawing) Window.crashes += 1;
    this.#drawing = undefined;
  }

  async #end() {
    await this.driver?.quit().catch(() => undefined);
    this.driver = undefined;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
  }
}

async function answers(server) {
  for (let left = 200; left > 0; left--) {
    const up = await fetch(`${server}status`).then((answer) => answer.ok, () => false);
    if (up) return;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error('WebKitWebDriver does not answer; is webkit2gtk-driver installed?');
}

/** Waits for processes to end. Returns whether all did. */
async function gone(pids, within) {
  const end = Date.now() + within;
  while (Date.now() < end) {
    if (!pids.some((pid) => runs(pid))) return true;
    await new Promise((wake) => setTimeout(wake, 20));
  }
  return false;
}
