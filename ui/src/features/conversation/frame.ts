const LINE = 22;
const COLUMNS = 88;
const MIN = 96;
const DESIGNED = 360;
const LONG = 560;

/**
 * A height for a mail's frame, in pixels. A frame without scripts cannot be measured from outside, so the length of
 * its plain text decides: short mails stay compact, long ones scroll inside until they are given the full height. A
 * mail with pictures is laid out by its sender and needs room that its text does not tell of.
 */
export function frameHeight(text: string, quoteFrom: number | null, files: number, pictures: boolean): number {
  if (text.trim() === '') return LONG;
  const own = quoteFrom === null ? text : text.slice(0, quoteFrom);
  const lines = countLines(own) + (quoteFrom === null ? 0 : Math.min(6, countLines(text.slice(quoteFrom))));
  const height = lines * LINE + (files > 0 ? 8 : 24);
  return Math.max(pictures ? DESIGNED : MIN, Math.min(LONG, Math.round(height * 1.3)));
}

/** Lines as a reader sees them: long ones wrap. */
export function countLines(text: string): number {
  let lines = 0;
  for (const line of text.trimEnd().split('\n')) lines += Math.max(1, Math.ceil(line.length / COLUMNS));
  return lines;
}
