import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

const css = readFileSync(fileURLToPath(new URL('../../src/styles/tokens.css', import.meta.url)), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');

/** The declarations of the rule that starts with this text. */
function rule(start: string): Map<string, string> {
  const from = css.indexOf('{', css.indexOf(start)) + 1;
  const body = css.slice(from, css.indexOf('}', from));
  return new Map([...body.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map((match) => [match[1] ?? '', (match[2] ?? '').trim()]));
}

const light = rule(':root {');
const dark = rule(':root[data-theme="dark"]');
const bySystem = rule(':root:not([data-theme="light"])');

function color(theme: 'light' | 'dark', name: string): [number, number, number] {
  let value = (theme === 'dark' ? dark.get(name) : undefined) ?? light.get(name) ?? '';
  for (let link = /^var\((--[\w-]+)\)$/.exec(value); link; link = /^var\((--[\w-]+)\)$/.exec(value)) value = light.get(link[1] ?? '') ?? '';
  const hex = /^#([0-9a-f]{6})$/i.exec(value)?.[1];
  if (!hex) throw new Error(`${name} is no plain colour: ${value}`);
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}

function luminance(rgb: [number, number, number]): number {
  const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(theme: 'light' | 'dark', a: string, b: string): number {
  const [x, y] = [luminance(color(theme, a)), luminance(color(theme, b))];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const surfaces = ['app', 'list', 'main', 'raised', 'sunken', 'hover'].map((name) => `--surface-${name}`);
const texts: [string, string[]][] = [
  ['--text-1', [...surfaces, '--surface-press', '--selected', '--selected-quiet', '--accent-soft', '--accent-soft-2', '--mark', '--selection', '--warn-soft', '--danger-soft', '--info-soft', '--ok-soft']],
  ['--text-2', [...surfaces, '--selected', '--selected-quiet', '--accent-soft', '--accent-soft-2', '--selected-chip', '--warn-soft', '--danger-soft', '--info-soft', '--ok-soft']],
  ['--text-3', [...surfaces, '--selected', '--selected-quiet', '--accent-soft', '--warn-soft', '--danger-soft']],
  ['--accent-text', ['--surface-app', '--surface-list', '--surface-main', '--surface-raised', '--selected', '--accent-soft', '--accent-soft-2']],
  ['--text-inverse', ['--accent', '--accent-hover', '--danger-fill', '--unread', ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `--acc-${n}`)]],
  ['--ok-text', ['--surface-list', '--surface-raised', '--ok-soft']],
  ['--warn-text', ['--surface-list', '--surface-raised', '--surface-hover', '--selected', '--selected-quiet', '--warn-soft']],
  ['--danger-text', ['--surface-list', '--surface-raised', '--danger-soft', '--surface-hover']],
  ['--info-text', ['--surface-list', '--surface-raised', '--info-soft']],
];
const marks: [string, string[]][] = [
  ['--focus', ['--surface-app', '--surface-list', '--surface-main', '--surface-raised', '--selected']],
  ['--border-control', ['--surface-raised', '--surface-list']],
  ['--ok', ['--surface-list', '--surface-raised', '--ok-soft']],
  ['--warn', ['--surface-list', '--surface-raised', '--warn-soft']],
  ['--danger', ['--surface-list', '--surface-raised', '--danger-soft']],
  ['--info', ['--surface-list', '--surface-raised', '--info-soft']],
  ['--unknown', ['--surface-list', '--surface-raised']],
  ['--icon', ['--surface-app', '--surface-list', '--surface-raised', '--surface-hover']],
];

describe.each(['light', 'dark'] as const)('%s', (theme) => {
  test.each(texts.flatMap(([text, grounds]) => grounds.map((ground) => [text, ground] as const)))('%s on %s can be read (4.5:1)', (text, ground) => {
    expect(contrast(theme, text, ground)).toBeGreaterThanOrEqual(4.5);
  });

  test.each(marks.flatMap(([mark, grounds]) => grounds.map((ground) => [mark, ground] as const)))('%s on %s can be seen (3:1)', (mark, ground) => {
    expect(contrast(theme, mark, ground)).toBeGreaterThanOrEqual(3);
  });
});

test('dark is the same by the system and by choice', () => {
  expect([...bySystem]).toEqual([...dark]);
});
