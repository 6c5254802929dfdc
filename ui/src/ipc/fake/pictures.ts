/** Invented pictures and sounds: nothing is loaded from anywhere. */

const svg = (width: number, height: number, inner: string): string =>
  `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="#dcd8cd"/>${inner}</svg>`)}`;

const lines = (x: number, y: number, width: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `<rect x="${x}" y="${y + i * 14}" width="${width - ((i * 37) % 60)}" height="4" fill="#857f74"/>`).join('');

/** A page of a contract on a table. */
export const page = svg(480, 640, `<g transform="rotate(-3 240 320)"><rect x="70" y="40" width="340" height="580" fill="#fff"/><rect x="170" y="70" width="140" height="9" fill="#57524a"/>${lines(105, 110, 270, 32)}</g>`);

/** Signatures and a stamp. */
export const stamp = svg(480, 400, `<rect x="40" y="-10" width="400" height="420" fill="#fff"/>${lines(80, 40, 300, 9)}<g fill="none" stroke="#3f6fb0" stroke-width="4"><circle cx="320" cy="280" r="66"/><circle cx="320" cy="280" r="48"/><path d="M90 300c26-40 36 24 62-10s36-8 62 0"/></g>`);

/** A table of an annex. */
export const table = svg(480, 400, `<rect x="60" y="30" width="360" height="380" fill="#fff"/><g stroke="#857f74" stroke-width="3" fill="none"><path d="M90 90h300M90 150h300M90 210h300M90 270h300M90 330h300M90 90v260M210 90v260M390 90v260"/></g>`);

/** A view that is wider than high. */
export const street = svg(640, 360, '<rect width="640" height="210" fill="#b9c9cf"/><path d="M0 210h640v150H0z" fill="#8d8678"/><path d="M60 70h150v140H60zM250 40h170v170H250zM460 90h130v120H460z" fill="#efe9da"/>');

/** A face in a circle, for a video note. */
export const face = svg(240, 240, '<circle cx="120" cy="100" r="52" fill="#b98d63"/><path d="M30 240c10-70 50-92 90-92s80 22 90 92z" fill="#3d6f62"/>');

/** A sticker. */
export const sticker = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256"><circle cx="128" cy="128" r="104" fill="#e8b84a"/><circle cx="94" cy="108" r="14" fill="#3b2d10"/><circle cx="162" cy="108" r="14" fill="#3b2d10"/><path d="M74 150c20 40 88 40 108 0" fill="none" stroke="#3b2d10" stroke-width="12" stroke-linecap="round"/></svg>')}`;

/** So many seconds of a quiet tone. */
export const tone = (seconds: number): string => sound(Int16Array.from({ length: Math.round(4000 * seconds) }, (_, i) => Math.round(6000 * Math.sin((i / 4000) * 2 * Math.PI * 220))), 4000);

/** Samples of one channel as a WAV file of the page's own memory. */
export function sound(samples: Int16Array, rate: number): string {
  const count = samples.length * 2;
  const view = new DataView(new ArrayBuffer(44 + count));
  const put = (at: number, text: string) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  put(0, 'RIFF');
  view.setUint32(4, 36 + count, true);
  put(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  put(36, 'data');
  view.setUint32(40, count, true);
  samples.forEach((sample, i) => view.setInt16(44 + i * 2, sample, true));
  return URL.createObjectURL(new Blob([view], { type: 'audio/wav' }));
}
