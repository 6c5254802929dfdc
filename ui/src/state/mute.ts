/** Whether a conversation that is muted until then is muted now. */
export function isMuted(until: string | null | undefined, now: Date): boolean {
  return until !== null && until !== undefined && Date.parse(until) > now.getTime();
}

/** Whether only a person ends the mute. */
export function isForGood(until: string): boolean {
  return until.startsWith('9999');
}
