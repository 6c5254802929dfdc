import type { EntityName, EntityView } from '../ipc/client';
import { pieces } from './links';

/** A text without marks, and how stretches of it are shown. */
export interface Formatted {
  text: string;
  entities: EntityView[];
}

/** A text with marks, and the stretches that no mark stands for, by their places in the text without marks. */
export interface Marked {
  text: string;
  rest: EntityView[];
}

/** A pair of signs around words, as in Telegram's own programs. */
export type Pair = '**' | '__' | '~~' | '||';

const pairs: Record<Pair, EntityName> = { '**': 'bold', '__': 'italic', '~~': 'strike', '||': 'spoiler' };
const marks: Partial<Record<EntityName, string>> = { bold: '**', italic: '__', strike: '~~', spoiler: '||', code: '`' };

const WORD = /[\p{L}\p{N}\p{M}_]/u;
/** Something between two marks that is worth showing in another way: not a date left blank, not a rule of dashes. */
const WORTH = /[\p{L}\p{N}\p{So}\p{Sc}]/u;
/** No stretch begins with what ends a sentence or a bracket. */
const ENDS = /[\s.,;:!?/)\]}»”…]/u;
/** After these, underscores belong to a path, an address or a name. */
const PATH = /[/\\.@=&#?-]/;
const EMPTY_LINE = /\n[^\S\n]*\n/y;
const CODE = /`(?!\s)([^`\n]{0,4095}[^`\s])`(?![`\p{L}\p{N}\p{M}_])/uy;
const LINK = /\[([^[\]\n]{1,1000})\]\(((?:[^\s()<>]|\([^\s()<>]*\)){1,2000})\)/y;

/** Whether an address may become a link. */
export function isLink(address: string): boolean {
  try {
    const { protocol, hostname } = new URL(address);
    return protocol === 'mailto:' || protocol === 'tg:' || ((protocol === 'http:' || protocol === 'https:') && hostname !== '');
  } catch {
    return false;
  }
}

interface Span {
  kind: EntityName;
  from: number;
  to: number;
  url: string | null;
}

interface Open {
  pair: Pair;
  at: number;
  /** Where the backslash before it stands; null without one. */
  slash: number | null;
}

/** Reads a text once, from left to right: where its marks stand, and what they are around. */
class Reading {
  readonly spans: Span[] = [];
  /** What is no part of the text, as places from and to. */
  readonly cuts: [number, number][] = [];
  /** Where signs stand that are no part of the text, unless a backslash keeps them. */
  readonly marks: number[] = [];
  readonly #source: string;
  readonly #spoilers: boolean;
  /** Addresses and names of pictures, whose signs are their own, by where they begin. */
  readonly #addresses = new Map<number, number>();

  constructor(source: string, spoilers: boolean, kept: readonly [number, number][] = []) {
    this.#source = source;
    this.#spoilers = spoilers;
    if (!/\*\*|__|~~|\|\||`|\]\(/.test(source)) return;
    for (const [from, to] of kept) this.#addresses.set(from, to);
    let at = 0;
    for (const piece of pieces(source)) {
      const cut = piece.text.search(/\|\||\\/);
      if (piece.url !== null) this.#addresses.set(at, at + (cut > 0 ? cut : piece.text.length));
      at += piece.text.length;
    }
    this.#read(0, source.length);
    this.cuts.sort((a, b) => a[0] - b[0]);
  }

  #read(from: number, to: number): void {
    const source = this.#source;
    const open: Open[] = [];
    let at = from;
    while (at < to) {
      const address = this.#addresses.get(at);
      const sign = source[at];
      if (address !== undefined) at = Math.min(to, address);
      else if (sign === '\n' && matched(EMPTY_LINE, source, at)) {
        open.length = 0;
        at += 1;
      } else {
        const slash = sign === '\\' ? at : null;
        const next = this.#mark(slash === null ? at : at + 1, slash, to, open);
        at = next ?? at + 1;
      }
    }
  }

  /** Reads the mark that stands here, if any; returns where to go on. */
  #mark(at: number, slash: number | null, to: number, open: Open[]): number | null {
    const sign = this.#source[at];
    if (at >= to) return null;
    if (sign === '`') return this.#code(at, slash, to);
    if (sign === '[') return this.#link(at, slash, to);
    const pair = this.#source.slice(at, at + 2);
    if (!(pair in pairs) || at + 2 > to || (pair === '||' && !this.#spoilers)) return null;
    return this.#pair(pair as Pair, at, slash, open);
  }

  #pair(pair: Pair, at: number, slash: number | null, open: Open[]): number | null {
    const before = signBefore(this.#source, slash ?? at);
    const after = signAt(this.#source, at + 2);
    const index = open.findLastIndex((other) => other.pair === pair);
    const begun = open[index];
    if (begun && closes(pair, before, after, signAt(this.#source, at + 2 + after.length)) && WORTH.test(this.#source.slice(begun.at + 2, slash ?? at))) {
      if (slash !== null || begun.slash !== null) {
        // A backslash stands for itself unless it keeps a mark from being one.
        if (slash !== null) this.#unslash(slash);
        if (begun.slash !== null) {
          this.#unslash(begun.slash);
          open.splice(index, 1);
        }
        return at + 2;
      }
      this.cuts.push([begun.at, begun.at + 2], [at, at + 2]);
      this.marks.push(begun.at, at);
      this.spans.push({ kind: pairs[pair], from: begun.at + 2, to: at, url: null });
      open.splice(0, open.length, ...open.slice(0, index).filter((other) => other.pair !== pair));
      return at + 2;
    }
    // A backslash that is kept from being one keeps nothing itself.
    if (slash !== null ? begins(pair, before === '\\' ? '' : before, after) : before !== '\\' && begins(pair, before, after)) open.push({ pair, at, slash });
    // Where a backslash is nobody's, what follows is looked at by itself.
    else if (slash !== null) return null;
    return at + 2;
  }

  #code(at: number, slash: number | null, to: number): number | null {
    const source = this.#source;
    let length = 1;
    while (source[at + length] === '`') length += 1;
    const before = signBefore(source, slash ?? at);
    const free = !WORD.test(before) && before !== '`' && (slash !== null || before !== '\\');
    if (free && length === 3) {
      const end = source.indexOf('```', at + 3);
      const closed = end > 0 && end + 3 <= to && source[end + 3] !== '`';
      const first = closed && source.slice(at + 3, at + 5) === '\r\n' ? at + 5 : closed && source[at + 3] === '\n' ? at + 4 : at + 3;
      const last = closed && end > first && source[end - 1] === '\n' ? end - (source[end - 2] === '\r' ? 2 : 1) : end;
      if (closed && first < last && source.slice(first, last).trim() !== '') return this.#take({ kind: 'pre', from: first, to: last, url: null }, at, end + 3, slash, 3);
    } else if (free && length === 1) {
      const found = matched(CODE, source, at);
      if (found && at + found[0].length <= to) return this.#take({ kind: 'code', from: at + 1, to: at + found[0].length - 1, url: null }, at, at + found[0].length, slash, 1);
    }
    return slash === null ? at + length : null;
  }

  #link(at: number, slash: number | null, to: number): number | null {
    const found = matched(LINK, this.#source, at);
    const [whole = '', words = '', url = ''] = found ?? [];
    if (!found || at + whole.length > to || words.trim() === '' || !isLink(url)) return null;
    if (slash === null) this.#read(at + 1, at + 1 + words.length);
    return this.#take({ kind: 'text_url', from: at + 1, to: at + 1 + words.length, url }, at, at + whole.length, slash, 1);
  }

  /** A stretch that is known whole; with a backslash before it, it is what it looks like. */
  #take(span: Span, from: number, to: number, slash: number | null, length: number): number {
    if (slash !== null) {
      this.#unslash(slash);
      return from + length;
    }
    this.marks.push(from);
    this.cuts.push([from, span.from], [span.to, to]);
    this.spans.push(span);
    return to;
  }

  #unslash(at: number): void {
    this.cuts.push([at, at + 1]);
    this.marks.push(at);
  }

  get formatted(): Formatted {
    if (this.cuts.length === 0) return { text: this.#source, entities: [] };
    let text = '';
    let at = 0;
    const gone: [number, number][] = [];
    for (const [from, to] of this.cuts) {
      text += this.#source.slice(at, from);
      gone.push([to, to - text.length]);
      at = to;
    }
    text += this.#source.slice(at);
    const place = (of: number): number => {
      // The last cut that ends at or before the place says by how much it moved.
      let [low, high] = [0, gone.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((gone[middle]?.[0] ?? 0) <= of) low = middle + 1;
        else high = middle;
      }
      return of - (gone[low - 1]?.[1] ?? 0);
    };
    const entities = this.spans.map(({ kind, from, to, url }): EntityView => ({ offset: place(from), length: place(to) - place(from), kind, url, language: kind === 'pre' ? '' : null }));
    return { text, entities: entities.sort(inOrder) };
  }
}

function matched(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

const signAt = (source: string, at: number): string => {
  const code = source.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
};

const signBefore = (source: string, at: number): string => {
  const low = source.charCodeAt(at - 1) >> 10 === 0x37;
  return at <= 0 ? '' : low && at > 1 ? source.slice(at - 2, at) : source.slice(at - 1, at);
};

const begins = (pair: Pair, before: string, after: string): boolean =>
  after !== '' && !ENDS.test(after) && after !== pair[0] && !WORD.test(before.replace('_', '')) && before !== pair[0] && !(pair === '__' && PATH.test(before));

const closes = (pair: Pair, before: string, after: string, then: string): boolean =>
  before !== '' && !/\s/u.test(before) && before !== pair[0] && after !== pair[0] && !WORD.test(after.replace('_', '')) && !(after === '.' && WORD.test(then));

/** The links, then what is around more, go around the others. */
const inOrder = (a: EntityView, b: EntityView): number => a.offset - b.offset || b.length - a.length || rank(a) - rank(b);
const ranks: readonly EntityName[] = ['text_url', 'bold', 'italic', 'strike', 'spoiler', 'code', 'pre'];
const rank = ({ kind }: EntityView): number => ranks.indexOf(kind);

/** Takes the marks out of a text. What is no whole mark stays, sign for sign, and so does all of what is `kept`. */
export const formatted = (marked: string, { spoilers = true, kept = [] }: { spoilers?: boolean; kept?: readonly [number, number][] } = {}): Formatted => new Reading(marked, spoilers, kept).formatted;

/** As a text goes out: without marks, and without the empty space around it. */
export function outgoing(marked: string): Formatted {
  const { text, entities } = formatted(marked);
  const begin = text.length - text.trimStart().length;
  const end = text.trimEnd().length;
  const inside = (entity: EntityView): EntityView => {
    const from = Math.max(begin, entity.offset);
    return { ...entity, offset: from - begin, length: Math.min(end, entity.offset + entity.length) - from };
  };
  return { text: text.trim(), entities: entities.map(inside).filter(({ length }) => length > 0) };
}

/** So often is it tried to write a text with marks so that it is read as what it was. */
const TRIES = 500;
/** And so often a backslash is put in and taken out again. */
const SWINGS = 12;

/**
 * Writes a text with marks, so that taking them out gives the text and its stretches again. What no mark stands for, or
 * none can stand for at its place, is the rest. Null where the text itself cannot be written.
 */
export function marked({ text, entities }: Formatted): Marked | null {
  const rest = entities.filter((entity) => !hasMark(entity));
  let kept = entities.filter(hasMark).flatMap((entity) => written(text, entity)).sort(inOrder);
  let escaped = new Set<number>();
  let swings = 0;
  for (let tries = 0; tries < TRIES; tries++) {
    const built = build(text, kept, escaped);
    const read = new Reading(built.text, true);
    const foreign = read.marks.filter((at) => !built.own.has(at)).map((at) => (built.places[at] ?? 0) + (built.text[at] === '\\' ? 1 : 0));
    const place = foreign.sort((a, b) => a - b).find((at) => !escaped.has(at));
    if (place !== undefined) {
      escaped.add(place);
      continue;
    }
    const idle = built.slashes.filter((at) => !read.marks.includes(at));
    if (idle.length > 0 && ++swings < SWINGS) {
      for (const at of idle) escaped.delete(built.places[at] ?? 0);
      continue;
    }
    const { text: is, entities: shown } = read.formatted;
    if (is === text && same(shown, kept)) return { text: built.text, rest };
    if (kept.length === 0) return null;
    // What is to be kept from being a mark may be one of ours that stands in the way.
    swings = 0;
    const missing = kept.filter((entity) => !shown.some((other) => equal(entity, other)));
    const lost = missing.length > 0 ? missing : kept.slice(-1);
    rest.push(...lost);
    kept = kept.filter((entity) => !lost.includes(entity));
    escaped = new Set();
  }
  return null;
}

const hasMark = ({ kind, url, language }: EntityView): boolean => kind in marks || (kind === 'pre' && !language) || (kind === 'text_url' && isLink(url ?? ''));

const equal = (a: EntityView, b: EntityView): boolean => a.kind === b.kind && a.offset === b.offset && a.length === b.length && (a.url ?? '') === (b.url ?? '');
const same = (a: readonly EntityView[], b: readonly EntityView[]): boolean => a.length === b.length && a.every((entity) => b.some((other) => equal(entity, other)));

/** A stretch as marks can stand around it: in one paragraph, from word to word. */
function written(text: string, entity: EntityView): EntityView[] {
  const from = Math.max(0, entity.offset);
  const to = Math.min(text.length, entity.offset + entity.length);
  if (entity.kind === 'pre') return from < to ? [{ ...entity, offset: from, length: to - from }] : [];
  const out: EntityView[] = [];
  for (const { 0: words, index } of text.slice(from, to).matchAll(/\S(?:(?!\n[^\S\n]*\n)[^])*/gu)) {
    const length = words.trimEnd().length;
    if (length > 0) out.push({ ...entity, offset: from + index, length });
  }
  return out;
}

interface Built {
  text: string;
  /** Where the marks stand that were put in. */
  own: Set<number>;
  /** The backslashes among them. */
  slashes: number[];
  /** The place in the text without marks, for each in the text with them. */
  places: number[];
}

function build(text: string, entities: readonly EntityView[], escaped: ReadonlySet<number>): Built {
  const open: EntityView[] = [];
  const own = new Set<number>();
  const slashes: number[] = [];
  const places: number[] = [];
  let out = '';
  let next = 0;
  const put = (sign: string, at: number, mark: boolean) => {
    for (let i = 0; i < sign.length; i++) {
      if (mark) own.add(out.length + i);
      places.push(at);
    }
    out += sign;
  };
  for (let at = 0; at <= text.length; at++) {
    for (let i = open.length - 1; i >= 0; i--) {
      const entity = open[i];
      if (!entity || entity.offset + entity.length > at) continue;
      open.splice(i, 1);
      put(entity.kind === 'pre' ? '\n```' : entity.kind === 'text_url' ? `](${entity.url ?? ''})` : (marks[entity.kind] ?? ''), at, true);
    }
    for (let entity = entities[next]; entity && entity.offset === at && at < text.length; entity = entities[++next]) {
      put(entity.kind === 'pre' ? '```\n' : entity.kind === 'text_url' ? '[' : (marks[entity.kind] ?? ''), at, true);
      open.push(entity);
    }
    // Whoever reads it takes the backslash out again: it is the writer's own.
    if (escaped.has(at)) {
      slashes.push(out.length);
      put('\\', at, true);
    }
    if (at < text.length) put(text[at] ?? '', at, false);
  }
  return { text: out, own, slashes, places };
}
