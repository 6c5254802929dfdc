const HOUR = 3_600_000;
const MORNING = 9;

/** A day at a time of the wall clock, whatever the clocks do in between. */
export const at = (day: Date, hours: number, minutes = 0): Date => new Date(day.getFullYear(), day.getMonth(), day.getDate(), hours, minutes);

/** The day so many days later. */
export const daysOn = (day: Date, days: number): Date => new Date(day.getFullYear(), day.getMonth(), day.getDate() + days);

/** The usual times to send something later. */
export function choices(now: Date): { hour: Date; tomorrow: Date; monday: Date } {
  const hour = new Date(now.getTime() + HOUR);
  hour.setSeconds(0, 0);
  return { hour, tomorrow: at(daysOn(now, 1), MORNING), monday: at(daysOn(now, ((8 - now.getDay()) % 7) || 7), MORNING) };
}

/** Half hours of a day that are still to come, as `HH:MM`. */
export function times(day: Date, now: Date): string[] {
  const halves = Array.from({ length: 48 }, (_, half) => ({ hours: Math.floor(half / 2), minutes: (half % 2) * 30 }));
  return halves.filter(({ hours, minutes }) => at(day, hours, minutes) > now).map(({ hours, minutes }) => `${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`);
}
