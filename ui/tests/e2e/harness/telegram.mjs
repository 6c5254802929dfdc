// The lab's Telegram, and the seam through which the program finds it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What every sign-in names: the network knows no applications. */
export const API = { id: '17349', hash: '0123456789abcdef0123456789abcdef' };
/** The code that signs in, always the same. */
export const CODE = '12345';

export class Telegram {
  #lab;
  #centres;

  /** Opens the network and leads the profile's programs to it. */
  static async start(lab, profile) {
    const telegram = new Telegram();
    telegram.#lab = lab;
    telegram.#centres = join(profile.home, 'centres.json');
    await telegram.lead();
    profile.telegram = telegram.#centres;
    return telegram;
  }

  /** Leads the next sign-in to the lab: the keys in the file serve one. */
  async lead() {
    writeFileSync(this.#centres, JSON.stringify(await this.ask('centres')));
  }

  /** Asks what `Ask` in src-tauri/crates/lab/src/serve/telegram.rs lists. */
  ask(question, fields) {
    return this.#lab.ask('telegram', { ask: fields === undefined ? question : { [question]: fields } });
  }

  /** Adds an account of the lab with its session, over the command line. */
  async addAccount(profile, { name, phone, session }) {
    await this.lead();
    const words = ['account', 'add', 'telegram', '--name', name, '--phone', `+${phone}`, '--api-id', API.id, '--secrets-stdin'];
    const [account] = await profile.run(words, JSON.stringify({ session, api_hash: API.hash }));
    return account;
  }

  /** Lets a person write; answers with the message and the moment before it was pushed, in Unix milliseconds. */
  says(from, account, message, push = 'pushed') {
    const said = typeof message === 'string' ? { text: message } : message;
    return this.ask('send', { from, chat: { user: account }, push, ...said });
  }

  /** What the clients of an account sent, in order. */
  async sentBy(account) {
    return (await this.ask('stats')).accounts[account].sent;
  }
}
