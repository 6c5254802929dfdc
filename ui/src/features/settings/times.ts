const halves = Array.from({ length: 48 }, (_, half) => `${String(Math.floor(half / 2)).padStart(2, '0')}:${half % 2 === 0 ? '00' : '30'}`);

/** Every half hour of a day, and what was set elsewhere. */
export const halfHours = (kept: string): { value: string; label: string }[] => [...new Set([...halves, kept])].sort().map((time) => ({ value: time, label: time }));
