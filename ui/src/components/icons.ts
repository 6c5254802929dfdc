/** The icons of `Sprite.svelte`. */
export type IconName =
  'accounts' | 'bad' | 'check' | 'clip' | 'clock' | 'db' | 'down' | 'eyeoff' | 'filter' | 'follow' | 'gear' | 'help' | 'image' | 'inbox' | 'info' | 'key' | 'keyboard' | 'lang' | 'left' | 'limit' | 'link' | 'live' | 'lock' | 'logs' | 'mail' | 'more' | 'open' | 'paste' | 'pause' | 'pen' | 'play' | 'plus' | 'pulse' | 'reply' | 'save' | 'search' | 'shield' | 'sidebar' | 'stack' | 'sync' | 'tg' | 'todo' | 'trash' | 'up' | 'user' | 'wait' | 'warn' | 'x';
