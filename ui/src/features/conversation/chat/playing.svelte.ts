/** Only one thing plays at a time. */
let current: HTMLMediaElement | null = null;

export function takeOver(element: HTMLMediaElement): void {
  if (current !== element) current?.pause();
  current = element;
}

/** Larger files are played from where they are, in pieces. */
const WHOLE = 64_000_000;

/**
 * An address that a player takes. Not every system's player knows the app's own scheme, so what fits is read whole
 * into the page's memory; whoever asks revokes it.
 */
export async function playable(url: string, size: number): Promise<string> {
  if (/^(blob|data):/.test(url) || size > WHOLE) return url;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return URL.createObjectURL(await response.blob());
}

/** Gives the page's memory back. */
export function release(url: string, original: string | null): void {
  if (url.startsWith('blob:') && url !== original) URL.revokeObjectURL(url);
}
