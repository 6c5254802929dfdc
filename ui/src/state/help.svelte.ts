import type { HelpLink } from '../components/help';
import { t } from '../i18n/index.svelte';
import type { ErrorCode } from '../ipc/client';
import type { GuidePage } from './guide';

/** Where in the guide somebody reads. */
export interface HelpPlace {
  page: GuidePage;
  /** A heading; none: the page's beginning. */
  anchor?: string;
}

let at = $state.raw<HelpPlace | null>(null);

export const help = {
  /** Null while the guide is closed. */
  get at(): HelpPlace | null {
    return at;
  },
};

/** Opens the guide, over whatever is being done. */
export function openHelp(place: HelpPlace = { page: 'manager' }): void {
  at = place;
}

export function closeHelp(): void {
  at = null;
}

/** The link from an error to its paragraph. */
export const helpFor = (code: ErrorCode): HelpLink => ({ label: t('help.what'), open: () => openHelp({ page: 'errors', anchor: code }) });
