let source: () => number = Date.now;
let now = $state(Date.now());

/** The window's idea of now: steps every ten seconds, enough for minutes of waiting. */
export const clock = {
  get now(): Date {
    return new Date(now);
  },
  /** This very moment, not followed by markup. */
  exact: (): number => source(),
};

/** Starts the steps; the answer ends them. Another source serves tests and the invented bureau. */
export function startClock(from: () => number = Date.now): () => void {
  source = from;
  now = source();
  const step = () => {
    if (typeof document === 'undefined' || !document.hidden) now = source();
  };
  const timer = setInterval(step, 10_000);
  if (typeof document !== 'undefined') document.addEventListener('visibilitychange', step);
  return () => clearInterval(timer);
}

/** Brings the clock forward to this moment, when something happened that is shown as "now". */
export function touchClock(): void {
  const at = source();
  if (at - now > 1000) now = at;
}
