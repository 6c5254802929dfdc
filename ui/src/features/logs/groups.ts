import type { LogRow } from '../../ipc/client';

/** What one row of the list shows. */
export interface Line {
  /** The place in the log of its first line: stays when more of the kind follow. */
  key: string;
  /** The line of the log; of several that are shown as one, the last. */
  row: LogRow;
  /** Its place among the rows, or the places of those that are shown as one. */
  from: number;
  to: number;
  /** How many lines of one kind follow each other here; told once for all of them. */
  times: number;
  /** Whether they are shown one by one. */
  open: boolean;
}

const alike = (one: LogRow, other: LogRow): boolean => one.message === other.message && one.area === other.area && one.account === other.account && one.level === other.level;

/** Shows lines of one kind that follow each other as one, unless one of them is in `open`. */
export function grouped(rows: readonly LogRow[], open: ReadonlySet<string>): Line[] {
  const lines: Line[] = [];
  let from = 0;
  while (from < rows.length) {
    const first = rows[from] as LogRow;
    let to = from;
    let opened = open.has(first.cursor);
    for (let next = rows[to + 1]; next && alike(first, next); next = rows[to + 1]) {
      opened ||= open.has(next.cursor);
      to += 1;
    }
    const times = to - from + 1;
    if (opened && times > 1) for (let at = from; at <= to; at++) lines.push({ key: rows[at]?.cursor ?? '', row: rows[at] as LogRow, from: at, to: at, times: at === from ? times : 1, open: true });
    else lines.push({ key: first.cursor, row: rows[to] as LogRow, from, to, times, open: false });
    from = to + 1;
  }
  return lines;
}

/** Every line by itself. */
export const single = (rows: readonly LogRow[]): Line[] => rows.map((row, at) => ({ key: row.cursor, row, from: at, to: at, times: 1, open: false }));
