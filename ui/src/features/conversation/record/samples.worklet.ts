/** Runs beside the page: what the microphone gives, as samples of 16 bits in pieces of a tenth of a second. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const PIECE = 4800;

class Samples extends AudioWorkletProcessor {
  #piece = new Int16Array(PIECE);
  #filled = 0;
  #over = false;

  constructor() {
    super();
    // Whoever records has enough: the last piece is shorter, and nothing follows it.
    this.port.onmessage = () => {
      this.#hand();
      this.#over = true;
      this.port.postMessage(null);
    };
  }

  process([input]: Float32Array[][]): boolean {
    for (const sample of input?.[0] ?? []) {
      const whole = Math.max(-1, Math.min(1, sample));
      this.#piece[this.#filled] = Math.round(whole < 0 ? whole * 32768 : whole * 32767);
      this.#filled += 1;
      if (this.#filled === PIECE) this.#hand();
    }
    return !this.#over;
  }

  #hand(): void {
    if (this.#over || this.#filled === 0) return;
    this.port.postMessage(this.#piece.slice(0, this.#filled));
    this.#filled = 0;
  }
}

registerProcessor('samples', Samples);
