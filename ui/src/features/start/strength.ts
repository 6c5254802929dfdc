export type Strength = 'weak' | 'fair' | 'strong';

/** The least a passphrase may have, in characters. */
export const LEAST = 8;

/** A rough word for a passphrase: what counts is length, several words and different letters. */
export function strength(passphrase: string): Strength {
  const words = passphrase.trim().split(/\s+/u).filter((word) => word.length > 2).length;
  const different = new Set(passphrase.toLowerCase()).size;
  if (different < 6 || passphrase.length < 12) return 'weak';
  return passphrase.length >= 20 && (words >= 4 || different >= 14) ? 'strong' : 'fair';
}
