/** How far back mails are fetched. */
export const spans = ['30d', '3m', '1y', 'all', 'date'] as const;
export type Span = (typeof spans)[number];

/** The first day of a span as `YYYY-MM-DD`; null for all mail. */
export function firstDay(span: Span, date: string, today: Date): string | null {
  const start = new Date(today.getFullYear(), today.getMonth(), today.getDate());
  if (span === 'all') return null;
  if (span === 'date') return date;
  if (span === '30d') start.setDate(start.getDate() - 30);
  else if (span === '3m') start.setMonth(start.getMonth() - 3);
  else start.setFullYear(start.getFullYear() - 1);
  return isoDay(start);
}

/** A local day as `YYYY-MM-DD`. */
export function isoDay(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
