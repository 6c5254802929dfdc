// The system's own dialogs, which WebDriver does not see. xdotool presses the keys, as a person would.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Ids of the windows that are shown on the display. */
export async function windows() {
  const { stdout } = await run('xdotool', ['search', '--onlyvisible', '--class', '.']).catch(({ stdout }) => ({ stdout }));
  return stdout.split('\n').filter(Boolean);
}

/** Types a path into a file dialog and confirms it. */
export async function enterPath(dialog, path) {
  // Without a window manager nothing gives a new window the keys.
  await run('xdotool', ['windowraise', dialog, 'windowfocus', '--sync', dialog]);
  await run('xdotool', ['key', '--clearmodifiers', 'ctrl+a']);
  await run('xdotool', ['type', '--delay', '4', path]);
  await run('xdotool', ['key', 'Return']);
}
