import { type AttachedFile, type ConversationKey, IpcError, ipc } from '../../../ipc/client';
import { base64 } from '../attach/uploads.svelte';
import samples from './samples.worklet?worker&url';

/** What the program turns into a voice: samples of one channel in a second. */
const RATE = 48_000;
/** Pieces of a tenth of a second that go up together. */
const TOGETHER = 10;
/** Nobody listens longer; it ends by itself and is kept. */
const LONGEST_MS = 30 * 60_000;
/** A microphone that was pulled out gives no last piece: it is not waited for longer. */
const LAST_PIECE_MS = 1000;
/** Levels that are shown, and the loudest of them. */
export const LEVELS = 40;
const LOUDEST = 31;

/** Why nothing can be recorded. */
export type Why = 'unsupported' | 'forbidden' | 'missing' | 'busy';

/** The system, or whoever sits before it, gives no microphone. */
export class NoMicrophone extends Error {
  readonly why: Why;

  constructor(why: Why) {
    super(why);
    this.why = why;
  }
}

/** Whether this window can record at all. */
export const canRecord = (): boolean => 'mediaDevices' in navigator && 'AudioWorkletNode' in window;

/** A voice on its way into a draft. */
interface Taken {
  draft: string;
  take: (voice: AttachedFile) => void;
  fail: (error: unknown) => void;
}

/** Records one voice at a time. What was said goes up while it is said, so that little is left to do at its end. */
class Recorder {
  #taken = $state.raw<Taken | null>(null);
  /** Whether the microphone is open. */
  running = $state(false);
  /** Whether it is being made what a chat plays. */
  ending = $state(false);
  /** How long it is, in milliseconds. */
  length = $state(0);
  /** How loud the latest pieces were, 0 to 31. */
  levels = $state.raw<readonly number[]>([]);

  #stream: MediaStream | null = null;
  #context: AudioContext | null = null;
  #node: AudioWorkletNode | null = null;
  #upload: string | null = null;
  #pieces: Int16Array<ArrayBuffer>[] = [];
  #line: Promise<unknown> = Promise.resolve();
  #last: (() => void) | null = null;
  #end: Promise<boolean> | null = null;

  /** Whether a voice is recorded for a draft. */
  isOf(draft: string): boolean {
    return this.#taken?.draft === draft;
  }

  /** Whether what is recorded just now goes up under this key. */
  holds(upload: string): boolean {
    return this.#upload === upload;
  }

  /** Begins to record into a draft; fails with `NoMicrophone`, or as what was said could not be kept. */
  async start(draft: string, conversation: ConversationKey, take: Taken['take'], fail: Taken['fail']): Promise<void> {
    await this.stop();
    const taken: Taken = { draft, take, fail };
    this.#taken = taken;
    this.length = 0;
    this.levels = [];
    try {
      if (!canRecord()) throw new NoMicrophone('unsupported');
      const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
      if (this.#taken !== taken) return stop(stream);
      this.#stream = stream;
      const context = (this.#context = new AudioContext({ sampleRate: RATE }));
      if (context.sampleRate !== RATE) throw new NoMicrophone('unsupported');
      await context.audioWorklet.addModule(samples);
      const upload = await ipc.recordBegin(conversation);
      if (this.#taken !== taken) return void ipc.attachCancel(upload).catch(() => undefined);
      this.#upload = upload;
      this.#line = Promise.resolve();
      const node = (this.#node = new AudioWorkletNode(context, 'samples', { channelCount: 1, channelCountMode: 'explicit' }));
      node.port.onmessage = ({ data }: MessageEvent<Int16Array<ArrayBuffer> | null>) => (data === null ? this.#last?.() : this.#hear(data));
      context.createMediaStreamSource(stream).connect(node);
      // It says nothing; what leads nowhere is not run everywhere.
      node.connect(context.destination);
      stream.getAudioTracks()[0]?.addEventListener('ended', () => void this.stop());
      await context.resume();
      this.running = true;
    } catch (thrown) {
      // Somebody thought better of it while it began.
      if (this.#taken !== taken) return;
      this.cancel();
      throw reason(thrown);
    }
  }

  #hear(piece: Int16Array<ArrayBuffer>): void {
    this.#pieces.push(piece);
    this.length += (piece.length * 1000) / RATE;
    const peak = piece.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    // An ear, too, hears a hundredth of the loudest.
    this.levels = [...this.levels, Math.round(LOUDEST * Math.sqrt(peak / 32768))].slice(-LEVELS);
    if (this.#pieces.length >= TOGETHER) this.#send();
    if (this.length >= LONGEST_MS) void this.stop();
  }

  #send(): void {
    const [key, pieces] = [this.#upload, this.#pieces];
    this.#pieces = [];
    if (key === null || pieces.length === 0) return;
    this.#line = this.#line.then(async () => ipc.attachPiece(key, await base64(new Blob(pieces))));
    this.#line.catch((thrown: unknown) => {
      const taken = this.#taken;
      if (this.#upload !== key || taken === null || this.ending) return;
      this.cancel();
      taken.fail(thrown);
    });
  }

  /** Ends it: what was said becomes a voice of its draft. Says whether it did. */
  async stop(): Promise<boolean> {
    const taken = this.#taken;
    if (taken === null) return true;
    if (!this.running && this.#end === null) {
      this.cancel();
      return true;
    }
    this.#end ??= this.#finish(taken);
    try {
      return await this.#end;
    } catch (thrown) {
      taken.fail(thrown);
      return false;
    }
  }

  /** False where it was thrown away meanwhile: by then another one may be recorded. */
  async #finish(taken: Taken): Promise<boolean> {
    const over = () => this.#taken !== taken;
    const key = this.#upload;
    this.ending = true;
    try {
      await new Promise<void>((resolve) => {
        this.#last = resolve;
        this.#node?.port.postMessage('end');
        setTimeout(resolve, LAST_PIECE_MS);
      });
      if (over()) return false;
      this.#send();
      this.#close();
      await this.#line;
      if (over()) return false;
      if (key === null || this.length === 0) return true;
      const voice = await ipc.attachVoice(key);
      if (over()) return false;
      this.#upload = null;
      taken.take(voice);
      return true;
    } finally {
      if (!over()) this.cancel();
    }
  }

  /** Throws it away. */
  cancel(): void {
    this.#close();
    const key = this.#upload;
    // What is left of it there is swept at the next start.
    if (key !== null) void this.#line.catch(() => undefined).then(() => ipc.attachCancel(key).catch(() => undefined));
    const waits = this.#last;
    this.#upload = this.#end = this.#last = null;
    this.#pieces = [];
    this.#taken = null;
    this.ending = false;
    waits?.();
  }

  /** Lets go of the microphone. */
  #close(): void {
    this.running = false;
    if (this.#node) this.#node.port.onmessage = null;
    if (this.#stream) stop(this.#stream);
    void this.#context?.close().catch(() => undefined);
    this.#stream = this.#context = this.#node = null;
  }
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** What a browser says in one word. */
function reason(thrown: unknown): Error {
  if (thrown instanceof NoMicrophone || thrown instanceof IpcError) return thrown;
  // Not every one of these is a DOMException everywhere.
  const name = thrown instanceof Error || thrown instanceof DOMException ? thrown.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return new NoMicrophone('forbidden');
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return new NoMicrophone('missing');
  if (name === 'NotReadableError' || name === 'AbortError') return new NoMicrophone('busy');
  return IpcError.from(thrown);
}

export const recorder = new Recorder();
