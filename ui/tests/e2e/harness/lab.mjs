// The lab's servers. The commands and what they answer are listed in src-tauri/crates/lab/src/serve.rs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export class Lab {
  #process;
  #waiting = new Map();
  #next = 1;

  /** Starts Dovecot, the proxies before it and the SMTP sink. */
  static async start() {
    const program = process.env.SKRYNKA_LAB;
    if (!program) throw new Error('SKRYNKA_LAB is not set: start this through `cargo xtask`');
    const lab = new Lab();
    lab.#process = spawn(program, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: lab.#process.stdout });
    lab.#process.on('exit', () => lab.#forget('The lab has ended'));
    const [first] = await Promise.race([once(lines, 'line'), once(lab.#process, 'exit').then(() => [null])]);
    if (first === null) throw new Error('The lab could not start');
    lines.on('line', (line) => lab.#hear(JSON.parse(line)));
    /** Addresses as `host:port`, and `ca_file`. */
    lab.endpoints = JSON.parse(first);
    return lab;
  }

  /** Gives the lab one command and returns its answer. */
  ask(command, fields = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, command });
      this.#process.stdin.write(`${JSON.stringify({ id, do: command, ...fields })}\n`);
    });
  }

  /** Ends every server and removes what they left. */
  async stop() {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.stdin.end();
    await ended;
  }

  #hear({ id, ok, error }) {
    const { resolve, reject, command } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) resolve(ok);
    else reject(new Error(`The lab could not ${command}: ${error}`));
  }

  #forget(why) {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}
