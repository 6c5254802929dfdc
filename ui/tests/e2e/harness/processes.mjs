// What /proc tells of processes.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Every process with its parent. */
function table() {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = stat(Number(name));
    if (fields) parents.set(Number(name), Number(fields[1]));
  }
  return parents;
}

/** The fields of /proc/PID/stat behind the name, or nothing when the process has ended. */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Process ids of everything that descends from a process. */
export function descendants(pid) {
  const children = new Map();
  for (const [child, parent] of table()) children.set(parent, [...(children.get(parent) ?? []), child]);
  const found = [];
  const open = [pid];
  while (open.length > 0) {
    const next = children.get(open.pop()) ?? [];
    found.push(...next);
    open.push(...next);
  }
  return found;
}

/** The path of the program that a process runs, or nothing when the process has ended. */
export function programOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

/** Whether a process runs; with `program`, whether it runs that. */
export function runs(pid, program) {
  const path = programOf(pid);
  return path !== undefined && (program === undefined || path === program);
}

/** Process ids of the programs that work in a folder: the private database's. */
export function workingIn(folder) {
  return [...table().keys()].filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
}

/** A figure of /proc/PID/smaps_rollup in KiB. */
function rollup(pid, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
}

/** What a process has allocated, in MiB: files that it maps come and go with the room that other programs leave. */
export function allocated(pid) {
  return rollup(pid, 'Pss_Anon') / 1024;
}

/** Proportional set size in MiB, in all and by program. */
export function pss(pids) {
  const parts = {};
  for (const pid of new Set(pids)) {
    try {
      const kib = rollup(pid, 'Pss');
      const name = readlinkSync(`/proc/${pid}/exe`).split('/').at(-1);
      parts[name] = (parts[name] ?? 0) + kib / 1024;
    } catch {
      // It ended while we looked.
    }
  }
  const total = Object.values(parts).reduce((sum, mib) => sum + mib, 0);
  return { total: Math.round(total), parts: Object.fromEntries(Object.entries(parts).map(([name, mib]) => [name, Math.round(mib)])) };
}

/** Processor time that the processes have used so far, in seconds. */
export function cpuSeconds(pids) {
  const ticks = [...new Set(pids)].map((pid) => stat(pid)).filter(Boolean).map((fields) => Number(fields[11]) + Number(fields[12]));
  // Linux counts in hundredths of a second on every platform that has a window.
  return ticks.reduce((sum, of) => sum + of, 0) / 100;
}
