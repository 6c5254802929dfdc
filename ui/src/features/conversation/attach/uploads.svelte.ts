import { SvelteMap } from 'svelte/reactivity';

import { type AttachedFile, IpcError, ipc } from '../../../ipc/client';

/** A file goes up in pieces of so many bytes. */
const PIECE = 1 << 20;

/** A file on its way into a draft. */
export class Upload {
  done = $state(0);
  failed = $state.raw<IpcError | null>(null);
  #key: string | null = null;
  #stopped = false;

  readonly file: File;
  readonly account: string;
  /** Puts it into its draft. */
  readonly take: (stored: AttachedFile) => void;

  constructor(file: File, account: string, take: (stored: AttachedFile) => void) {
    this.file = file;
    this.account = account;
    this.take = take;
  }

  /** Takes the file up; null when it was cancelled or failed. */
  async run(): Promise<AttachedFile | null> {
    this.failed = null;
    this.done = 0;
    try {
      const key = (this.#key = await ipc.attachBegin(this.account, this.file.name));
      while (this.done < this.file.size && !this.#stopped) {
        const piece = this.file.slice(this.done, this.done + PIECE);
        await ipc.attachPiece(key, await base64(piece));
        this.done += piece.size;
      }
      if (this.#stopped) {
        await this.#giveUp();
        return null;
      }
      const stored = await ipc.attachEnd(key);
      this.#key = null;
      return this.#stopped ? null : stored;
    } catch (thrown) {
      this.failed = IpcError.from(thrown);
      await this.#giveUp();
      return null;
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #giveUp(): Promise<void> {
    const key = this.#key;
    this.#key = null;
    // What is left of it there is swept at the next start.
    if (key !== null) await ipc.attachCancel(key).catch(() => undefined);
  }
}

/** Bytes as commands take them. */
export function base64(piece: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => reject(new IpcError({ code: 'file', detail: reader.error?.message ?? '' }));
    reader.readAsDataURL(piece);
  });
}

/** The files on their way into each draft. They go on whatever is shown. */
class Uploads {
  #running = new SvelteMap<string, readonly Upload[]>();
  #ends = new Map<Upload, Promise<void>>();

  of(draft: string): readonly Upload[] {
    return this.#running.get(draft) ?? [];
  }

  add(draft: string, account: string, files: Iterable<File>, take: (stored: AttachedFile) => void): void {
    for (const file of files) {
      const upload = new Upload(file, account, take);
      this.#running.set(draft, [...this.of(draft), upload]);
      this.start(draft, upload);
    }
  }

  start(draft: string, upload: Upload): void {
    const end = upload.run().then((stored) => {
      if (stored !== null) upload.take(stored);
      if (upload.failed === null) this.#drop(draft, upload);
    });
    this.#ends.set(upload, end);
  }

  stop(draft: string, upload: Upload): void {
    upload.stop();
    this.#drop(draft, upload);
  }

  /** Waits for all of a draft's files; says whether each of them is there. */
  async settled(draft: string): Promise<boolean> {
    while (this.of(draft).some((upload) => upload.failed === null)) await Promise.race(this.of(draft).filter((upload) => upload.failed === null).map((upload) => this.#ends.get(upload)));
    return this.of(draft).length === 0;
  }

  #drop(draft: string, upload: Upload): void {
    this.#ends.delete(upload);
    const left = this.of(draft).filter((other) => other !== upload);
    if (left.length > 0) this.#running.set(draft, left);
    else this.#running.delete(draft);
  }
}

export const uploads = new Uploads();
