import type { ConversationView } from '../ipc/client';

/** The parts of the settings. */
export type SettingsSection = 'look' | 'people' | 'hours' | 'notices' | 'sending' | 'templates' | 'data' | 'logs' | 'updates' | 'about';

/** Where the window is. */
export type Route =
  /** `talk`: on the narrowest windows the conversation is seen in the place of the list. */
  | { screen: 'inbox'; talk?: boolean }
  | { screen: 'accounts'; open?: string }
  | { screen: 'account'; account?: string; again?: boolean }
  | { screen: 'outbox' }
  | { screen: 'logs'; account?: string }
  | { screen: 'diagnostics' }
  | { screen: 'settings'; section?: SettingsSection }
  /** Taking over the old CRM. */
  | { screen: 'adopt' };

/** Which conversations the inbox shows. */
export type View = { kind: ConversationView } | { kind: 'account'; account: string };

let route = $state.raw<Route>({ screen: 'inbox' });
let view = $state.raw<View>({ kind: 'all' });

export const place = {
  get route(): Route {
    return route;
  },
  get view(): View {
    return view;
  },
};

export function go(to: Route): void {
  route = to;
}

/** Opens the inbox on a view. */
export function show(chosen: View): void {
  view = chosen;
  route = { screen: 'inbox' };
}
