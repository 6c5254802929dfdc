import { f, t } from '../../i18n/index.svelte';
import type { TestStepName } from '../../ipc/client';

/** What a step of the connection test found, in plain words; as it was told where it is said in another form. */
export function facts(step: TestStepName, detail: string, now: Date): string {
  if (step === 'tls' || step === 'smtp') return certificate(detail, now) ?? detail;
  if (step === 'folders') return folders(detail) ?? detail;
  if (step === 'idle') return detail === 'IDLE' ? t('add.test.idleText') : '';
  return detail;
}

/** `TLS 1.3 · names · issuer · 2027-02-14`. */
function certificate(detail: string, now: Date): string | null {
  const [version, names, issuer, until, ...more] = detail.split(' · ');
  if (!version || !names || !issuer || more.length > 0 || !/^\d{4}-\d{2}-\d{2}$/.test(until ?? '')) return null;
  return t('add.test.certificate', { version, names, issuer: issuerName(issuer), date: f.day(new Date(`${until}T12:00`), now) });
}

/** The organisation of a distinguished name, or what it is called. */
function issuerName(issuer: string): string {
  const part = (name: string) => new RegExp(`(?:^|, ?)${name}=("[^"]+"|[^,]+)`).exec(issuer)?.[1]?.replaceAll('"', '');
  return part('O') ?? part('CN') ?? issuer;
}

/** `12 · Sent: Sent Items`. */
function folders(detail: string): string | null {
  const match = /^(\d+)(?: · Sent: (.+))?$/.exec(detail);
  if (!match) return null;
  const count = t('add.test.foldersFound', { n: Number(match[1]) });
  return match[2] ? `${count}, ${t('add.test.sentFolder', { name: match[2] })}` : count;
}
