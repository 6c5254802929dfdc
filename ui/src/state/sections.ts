import type { IconName } from '../components/icons';
import type { Key } from '../i18n/index.svelte';
import type { SettingsSection } from './route.svelte';

/** What each section of the settings is called, and its icon, in their order. */
export const sectionLooks = {
  look: { label: 'set.look', icon: 'lang' },
  people: { label: 'set.people', icon: 'users' },
  hours: { label: 'set.hours', icon: 'clock' },
  notices: { label: 'set.notices', icon: 'bell' },
  sending: { label: 'set.mail', icon: 'send' },
  templates: { label: 'template.list', icon: 'template' },
  data: { label: 'set.data', icon: 'db' },
  logs: { label: 'set.logs', icon: 'logs' },
  updates: { label: 'set.updates', icon: 'sync' },
  about: { label: 'set.about', icon: 'info' },
} as const satisfies Record<SettingsSection, { label: Key; icon: IconName }>;
