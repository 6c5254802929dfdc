import { session } from '../../state/session.svelte';

/** Shows where a provider's help page is, and opens it from there. */
export function showPage(url: string): void {
  session.link = { text: '', url, host: new URL(url).hostname, mismatched: false };
}
