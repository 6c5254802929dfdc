// The guide for people, from `docs/guide`, as blocks that the window draws: no page parses HTML or Markdown.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { type Token, type Tokens, marked } from 'marked';
import type { Plugin } from 'vite';

import { type Language, languages } from './src/i18n/catalogue';
import type { Block, Guide, GuidePage, Inline } from './src/state/guide';

const NAME = 'virtual:guide';
const folder = fileURLToPath(new URL('../docs/guide/', import.meta.url));
const pages: readonly GuidePage[] = ['owner', 'manager', 'administrator', 'errors'];

/** Gives the guide to whoever imports `virtual:guide`. */
export function guide(): Plugin {
  return {
    name: 'guide',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined;
      for (const language of languages) for (const page of pages) this.addWatchFile(pathOf(language, page));
      return `export const guide = ${JSON.stringify(readGuide())};`;
    },
  };
}

const pathOf = (language: string, page: string): string => `${folder}${language}/${page}.md`;

/** Reads every page; what the window could not draw is a fault of the page and ends the build. */
export function readGuide(): Guide {
  const read = (language: Language) => Object.fromEntries(pages.map((page) => [page, blocks(page, readFileSync(pathOf(language, page), 'utf8'))])) as Record<GuidePage, Block[]>;
  return { uk: read('uk'), en: read('en'), pl: read('pl') };
}

function blocks(page: GuidePage, text: string): Block[] {
  const out: Block[] = [];
  let ids: string[] = [];
  for (const token of marked.lexer(text)) {
    // Marked has no type for a token of an extension; we have none.
    const known = token as Tokens.Heading | Tokens.Paragraph | Tokens.List | Tokens.HTML | Tokens.Space;
    if (known.type === 'space') continue;
    const anchors = [...token.raw.matchAll(/<a id="([a-z_]+)"><\/a>/g)].map((match) => match[1] ?? '');
    if (anchors.length > 0 && token.raw.replaceAll(/<a id="[a-z_]+"><\/a>/g, '').trim() === '') ids = anchors;
    else if (known.type === 'heading') {
      out.push({ kind: 'heading', level: known.depth, text: known.text, ids });
      ids = [];
    } else if (known.type === 'paragraph') out.push({ kind: 'text', inlines: inlines(page, known.tokens) });
    else if (known.type === 'list') out.push({ kind: 'list', ordered: known.ordered, items: known.items.map((item) => inlines(page, item.tokens)) });
    else throw new Error(`The guide cannot show "${token.raw}"`);
  }
  return out;
}

function inlines(page: GuidePage, tokens: readonly Token[]): Inline[] {
  return tokens.flatMap((token): Inline[] => {
    const known = token as Tokens.Text | Tokens.Strong | Tokens.Codespan | Tokens.Link | Tokens.Escape;
    if (known.type === 'text' && 'tokens' in known && known.tokens) return inlines(page, known.tokens);
    if (known.type === 'text' || known.type === 'escape') return [{ kind: 'plain', text: known.text }];
    if (known.type === 'strong') return [{ kind: 'strong', text: known.text }];
    if (known.type === 'codespan') return [{ kind: 'code', text: known.text }];
    const link = known.type === 'link' ? /^(?:([a-z]+)\.md)?#([a-z_]+)$/.exec(known.href) : null;
    if (link && known.type === 'link') return [{ kind: 'link', text: known.text, page: (link[1] ?? page) as GuidePage, anchor: link[2] ?? '' }];
    throw new Error(`The guide cannot show "${token.raw}"`);
  });
}
