import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { readGuide } from '../../guide';
import { languages } from '../../src/i18n/catalogue';
import { type Block, type GuidePage, type Inline, guidePages } from '../../src/state/guide';

const guide = readGuide();
const anchors = (blocks: readonly Block[]): string[] => blocks.flatMap((block) => (block.kind === 'heading' ? block.ids : []));
const lines = (block: Block): readonly Inline[] => (block.kind === 'heading' ? [] : block.kind === 'text' ? block.inlines : block.items.flat());

/** The codes of the wire, from the types that are generated from Rust. */
function errorCodes(): string[] {
  const bindings = readFileSync(new URL('../../src/ipc/bindings.ts', import.meta.url), 'utf8');
  const union = /export type ErrorCode = \n([\s\S]*?);\n\n/.exec(bindings)?.[1] ?? '';
  return [...union.matchAll(/^"([a-z_]+)"/gm)].map((match) => match[1] ?? '');
}

test('every error code has one paragraph in each language, and no paragraph is of a code that is no more', () => {
  const codes = errorCodes();
  expect(codes.length).toBeGreaterThan(50);
  for (const language of languages) expect(anchors(guide[language].errors).sort()).toEqual([...codes].sort());
});

test('no link of the guide is dead', () => {
  let links = 0;
  for (const language of languages) {
    for (const page of guidePages) {
      for (const inline of guide[language][page].flatMap(lines)) {
        if (inline.kind !== 'link') continue;
        links += 1;
        expect(anchors(guide[language][inline.page as GuidePage]), `${language}/${page}: ${inline.text}`).toContain(inline.anchor);
      }
    }
  }
  expect(links).toBeGreaterThan(10);
});

test('every language tells the same, heading by heading', () => {
  for (const language of languages) for (const page of guidePages) expect(anchors(guide[language][page]), `${language}/${page}`).toEqual(anchors(guide.uk[page]));
});

test('every place that the window leads to is there', () => {
  for (const language of languages) for (const anchor of ['start', 'secrets', 'accounts', 'backup', 'adopt', 'adopt_rotate']) expect(anchors(guide[language].owner)).toContain(anchor);
});
