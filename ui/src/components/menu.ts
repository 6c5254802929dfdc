import type { IconName } from './icons';

/** One line of a menu. */
export interface MenuItem {
  label: string;
  icon: IconName;
  key?: string;
  testid?: string;
  /** It is how things stand now. */
  current?: boolean;
  onselect: () => void;
}
