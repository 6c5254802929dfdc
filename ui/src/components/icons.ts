/** The icons of `Sprite.svelte`. */
export type IconName =
  'accounts' | 'bad' | 'call' | 'check' | 'checks' | 'clip' | 'clock' | 'db' | 'down' | 'eyeoff' | 'filter' | 'follow' | 'forward' | 'gear' | 'help' | 'image' | 'inbox' | 'info' | 'key' | 'keyboard' | 'lang' | 'left' | 'limit' | 'link' | 'live' | 'lock' | 'logs' | 'mail' | 'more' | 'open' | 'paste' | 'pause' | 'pen' | 'phone' | 'pin' | 'play' | 'plus' | 'pulse' | 'qr' | 'reply' | 'right' | 'save' | 'search' | 'send' | 'shield' | 'sidebar' | 'stack' | 'sync' | 'tg' | 'todo' | 'trash' | 'up' | 'user' | 'users' | 'wait' | 'warn' | 'x';
