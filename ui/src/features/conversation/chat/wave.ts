const LOUDEST = 31;
const HIGHEST = 23;
const LOWEST = 3;

/** A waveform as so many bars, each as high as the loudest value it stands for; flat where there is none. */
export function bars(waveform: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * waveform.length) / count);
    const to = Math.max(from + 1, Math.floor(((i + 1) * waveform.length) / count));
    const loud = Math.max(0, ...waveform.slice(from, to));
    return Math.max(LOWEST, (Math.min(LOUDEST, loud) / LOUDEST) * HIGHEST);
  });
}
