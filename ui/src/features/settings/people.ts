const tidy = (name: string): string => name.trim().replace(/\s+/gu, ' ');

/** The names with one more; null where it is empty or stands there already. */
export function added(names: readonly string[], name: string): string[] | null {
  const fresh = tidy(name);
  return fresh === '' || names.includes(fresh) ? null : [...names, fresh];
}

/** The names with one of them changed; null where the new one is empty or another's already. */
export function renamed(names: readonly string[], at: number, name: string): string[] | null {
  const fresh = tidy(name);
  return fresh === '' || names.some((other, place) => place !== at && other === fresh) ? null : names.map((other, place) => (place === at ? fresh : other));
}

export const removed = (names: readonly string[], at: number): string[] => names.filter((_, place) => place !== at);
