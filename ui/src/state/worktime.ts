import type { BusinessHoursView } from '../ipc/client';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const WEEK = 7 * DAY;
/** Spans longer than this are counted by whole weeks first. */
const LONG_WEEKS = 8;

const minutesOf = (clock: string): number => {
  const [hour = 0, minute = 0] = clock.split(':').map(Number);
  return hour * 60 + minute;
};

/** The length of a working day in milliseconds; a whole day where no day is one of work. */
export const workday = ({ days, from, to }: BusinessHoursView): number => (days.length === 0 ? DAY : (minutesOf(to) - minutesOf(from)) * MINUTE);

/** How much of the time between two moments was time of work, by this computer's wall clock, in milliseconds. */
export function worktime(since: Date, until: Date, hours: BusinessHoursView): number {
  const whole = Math.max(0, until.getTime() - since.getTime());
  if (hours.days.length === 0) return whole;
  const weeks = Math.floor(whole / WEEK);
  const skipped = weeks > LONG_WEEKS ? weeks - 1 : 0;
  const [first, last] = [minutesOf(hours.from), minutesOf(hours.to)];
  // Every edge is made from the calendar, so that a day of 23 or 25 hours has its own length.
  const at = (day: Date, minutes: number) => new Date(day.getFullYear(), day.getMonth(), day.getDate(), 0, minutes).getTime();
  const from = new Date(since);
  from.setDate(from.getDate() + 7 * skipped);
  let sum = skipped * hours.days.length * workday(hours);
  for (const day = new Date(from.getFullYear(), from.getMonth(), from.getDate()); day <= until; day.setDate(day.getDate() + 1)) {
    if (!hours.days.includes(day.getDay() || 7)) continue;
    sum += Math.max(0, Math.min(at(day, last), until.getTime()) - Math.max(at(day, first), from.getTime()));
  }
  return sum;
}
