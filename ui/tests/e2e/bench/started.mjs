// A program started in a display of its own, watched through that display's memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { APP } from '../harness.mjs';
import { cpuSeconds, descendants, pss, workingIn } from '../harness/processes.mjs';

const EMPTY = join(dirname(APP), 'examples', 'empty_window');
/** How often the picture is looked at, in milliseconds. */
const EVERY = 10;
/** A picture that has stood this long is the final one. */
const STILL = 2500;
/** A frame counts as painted when so much of it is as it will stay. */
const ALIKE = 0.95;
/** One pixel in so many is compared. */
const STEP = 61;

export class Started {
  #folder = mkdtempSync(join(tmpdir(), 'skrynka-display-'));
  #display;
  #process;
  #begun;
  #home;

  /** Starts the program on a profile. */
  static app(profile) {
    return new Started().#start(APP, profile.arguments, profile);
  }

  /** Starts an empty window of the same toolkit. */
  static empty(profile) {
    return new Started().#start(EMPTY, [], profile);
  }

  async #start(program, words, profile) {
    this.#home = profile.home;
    this.#display = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1440x900x24', '-nolisten', 'tcp', '-fbdir', this.#folder], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const [number] = await once(this.#display.stdio[3], 'data');
    const env = { ...profile.environment, DISPLAY: `:${String(number).trim()}`, GDK_BACKEND: 'x11' };
    this.#begun = performance.now();
    this.#process = spawn(program, words, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    return this;
  }

  /** Milliseconds from the start to the first frame that is nearly the final one. */
  async painted() {
    const frames = [];
    const screen = new Screen(join(this.#folder, 'Xvfb_screen0'));
    try {
      const blank = screen.look();
      for (let changed = performance.now(); frames.length === 0 || performance.now() - changed < STILL;) {
        await new Promise((wake) => setTimeout(wake, EVERY));
        const frame = screen.look();
        if (frame.equals(frames.at(-1)?.frame ?? blank)) continue;
        changed = performance.now();
        frames.push({ at: changed - this.#begun, frame });
        if (changed - this.#begun > 60_000) throw new Error('The window does not come to rest');
      }
    } finally {
      screen.close();
    }
    const final = frames.at(-1).frame;
    return frames.find(({ frame }) => alike(frame, final) >= ALIKE).at;
  }

  /** Memory of the program, its webview and its database. */
  memory() {
    return pss(this.#all());
  }

  /** Share of a core that all of it uses while nothing happens. */
  async idleCpu(seconds) {
    const before = cpuSeconds(this.#all());
    await new Promise((wake) => setTimeout(wake, seconds * 1000));
    return (cpuSeconds(this.#all()) - before) / seconds;
  }

  async end() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
    const gone = once(this.#display, 'exit');
    this.#display.kill();
    await gone;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #all() {
    return [this.#process.pid, ...descendants(this.#process.pid), ...workingIn(this.#home)];
  }
}

/** The framebuffer file of Xvfb: an XWD header, a colour map, the pixels. */
class Screen {
  #file;
  #pixels;
  #from;

  constructor(path) {
    this.#file = openSync(path, 'r');
    const header = Buffer.alloc(100);
    readSync(this.#file, header, 0, header.length, 0);
    const field = (number) => header.readUInt32BE(number * 4);
    const [size, height, line, colours] = [field(0), field(5), field(12), field(19)];
    this.#from = size + colours * 12;
    this.#pixels = Buffer.alloc(height * line);
  }

  /** A sample of what the screen shows. */
  look() {
    readSync(this.#file, this.#pixels, 0, this.#pixels.length, this.#from);
    const sample = Buffer.alloc(Math.floor(this.#pixels.length / 4 / STEP) * 4);
    for (let at = 0; at < sample.length; at += 4) this.#pixels.copy(sample, at, at * STEP, at * STEP + 4);
    return sample;
  }

  close() {
    closeSync(this.#file);
  }
}

function alike(one, other) {
  let same = 0;
  for (let at = 0; at < one.length; at += 4) if (one.readUInt32LE(at) === other.readUInt32LE(at)) same++;
  return same / (one.length / 4);
}
