import { describe, expect, test } from 'vitest';
import decodeQR from 'qr/decode.js';
import encodeQR from 'qr';

import { blocks, mismatched } from '../../src/features/conversation/chat/entities';
import { items } from '../../src/features/conversation/chat/items';
import { bars } from '../../src/features/conversation/chat/wave';
import { badKeys, badProxy, fieldOf, isApiHash, isApiId, isPhone } from '../../src/features/add-account/telegramChecks';
import { phone } from '../../src/i18n/format';
import type { EntityName, EntityView, MessageView } from '../../src/ipc/client';
import { chatMessage } from '../../src/ipc/fake/chats';

const entity = (offset: number, length: number, kind: EntityName, url: string | null = null): EntityView => ({ offset, length, kind, url, language: null });
const flat = (text: string, entities: EntityView[]) => blocks(text, entities).flatMap((block) => block.runs.flatMap((run) => run.pieces.map((piece) => [piece.text, piece.marks.join('+')] as const)));

describe('formatted text', () => {
  test('keeps every letter, whatever the entities say', () => {
    const text = 'Ось 🙂 текст\nз рядками';
    const strange = [entity(-3, 900, 'bold'), entity(5, 0, 'code'), entity(4, 2, 'italic'), entity(3, 6, 'underline'), entity(800, 4, 'strike')];
    expect(flat(text, strange).map(([words]) => words).join('')).toBe(text);
  });

  test('nests and overlaps', () => {
    expect(flat('abcdef', [entity(0, 4, 'bold'), entity(2, 4, 'italic')])).toEqual([['ab', 'bold'], ['cd', 'bold+italic'], ['ef', 'italic']]);
  });

  test('counts in UTF-16 units, as Telegram does', () => {
    expect(flat('🙂🙂жир', [entity(4, 3, 'bold')])).toEqual([['🙂🙂', ''], ['жир', 'bold']]);
  });

  test('a link with bold words within it stays one link', () => {
    const [block] = blocks('ось договір тут', [entity(4, 7, 'text_url', 'https://example.org/a'), entity(4, 3, 'bold')]);
    expect(block?.runs.map((run) => [run.url, run.pieces.length])).toEqual([[null, 1], ['https://example.org/a', 2], [null, 1]]);
  });

  test('only addresses of the web, of mail and of Telegram lead anywhere', () => {
    const url = (words: string, kind: EntityName, target: string | null = null) => blocks(words, [entity(0, words.length, kind, target)])[0]?.runs[0]?.url;
    expect(url('example.org/x', 'url')).toBe('https://example.org/x');
    expect(url('a@example.org', 'email')).toBe('mailto:a@example.org');
    expect(url('@notar_example', 'mention')).toBe('https://t.me/notar_example');
    for (const bad of ['javascript:alert(1)', 'file:///etc/passwd', 'data:text/html,x', 'not a url']) expect(url('клац', 'text_url', bad), bad).toBeNull();
  });

  test('code and quotations are blocks of their own, without empty lines beside them', () => {
    const text = 'до\nlet x;\nпісля';
    expect(blocks(text, [entity(3, 6, 'pre')]).map((block) => [block.kind, block.runs[0]?.pieces[0]?.text])).toEqual([['text', 'до'], ['pre', 'let x;'], ['text', 'після']]);
  });

  test('words that name another site are told apart', () => {
    expect(mismatched('https://bank.example.ua', 'https://evil.example.net/')).toBe(true);
    expect(mismatched('bank.example.ua/x', 'https://www.bank.example.ua/y')).toBe(false);
    expect(mismatched('договір', 'https://evil.example.net/')).toBe(false);
  });
});

describe('a chat’s lines', () => {
  const noon = Date.UTC(2026, 10, 22, 10);
  const say = (minutes: number, peer: string, ours = false): MessageView => chatMessage('a', 'c', { at: noon + minutes * 60_000, ours, author: { peer, name: peer }, text: 'x' });

  test('days stand apart, and what one author writes in a row stands together', () => {
    const lines = items([say(-24 * 60, 'user:1'), say(0, 'user:1'), say(1, 'user:1'), say(2, 'user:2'), say(20, 'user:2')], null);
    expect(lines.map((line) => (line.kind === 'message' ? `${line.first ? '<' : '-'}${line.last ? '>' : '-'}` : line.kind))).toEqual(['day', '<>', 'day', '<-', '->', '<>', '<>']);
  });

  test('the unread line breaks a row of messages', () => {
    const messages = [say(0, 'user:1'), say(1, 'user:1')];
    const lines = items(messages, messages[1]?.key.id ?? null);
    expect(lines.map((line) => (line.kind === 'message' ? `${line.first}${line.last}` : line.kind))).toEqual(['day', 'truetrue', 'unread', 'truetrue']);
  });

  test('keys are unique', () => {
    const lines = items(Array.from({ length: 200 }, (_, i) => say(i * 600, 'user:1')), null);
    expect(new Set(lines.map((line) => line.key)).size).toBe(lines.length);
  });
});

test('a waveform has as many bars as asked for, none of them empty or too high', () => {
  for (const waveform of [[], [31], Array.from({ length: 100 }, (_, i) => i % 32)]) {
    const drawn = bars(waveform, 58);
    expect(drawn).toHaveLength(58);
    for (const bar of drawn) expect(bar >= 3 && bar <= 23).toBe(true);
  }
});

test('what is typed for Telegram is checked before anything is sent', () => {
  expect(['+380 (44) 000-00-11', '380440000011'].map(isPhone)).toEqual([true, true]);
  expect(['', '+380', '+38044abc0011', 'x', '1'.repeat(16)].map(isPhone)).toEqual([false, false, false, false, false]);
  expect(['1', ' 17349 ', '2147483647'].map(isApiId)).toEqual([true, true, true]);
  expect(['0', '-1', '2147483648', 'x', '', '1.5'].map(isApiId)).toEqual([false, false, false, false, false, false]);
  expect(['0123456789abcdef0123456789ABCDEF'].map(isApiHash)).toEqual([true]);
  expect(['0123456789abcdef0123456789abcde', 'g'.repeat(32), ''].map(isApiHash)).toEqual([false, false, false]);
  expect(badKeys({ apiId: '', apiHash: '' }, true)).toEqual([]);
  expect(badKeys({ apiId: '', apiHash: '' }, false)).toEqual(['apiId', 'apiHash']);
  expect(badProxy('proxy.example.org', 1080)).toEqual([]);
  expect(badProxy('socks5://proxy', 70_000)).toEqual(['proxyHost', 'proxyPort']);
});

test('an answer is told at the field it is about', () => {
  expect([fieldOf('wrong_code'), fieldOf('api_id_invalid'), fieldOf('session_quoted'), fieldOf('session_duplicated'), fieldOf('network')]).toEqual(['code', 'apiId', 'session', null, null]);
});

test('numbers are written in groups', () => {
  expect(['+380000000001', '+48000000009', '123', 'abc'].map((number) => phone(number).replaceAll('\u00a0', ' '))).toEqual(['+380 00 000 00 01', '+48 000 000 009', '123', 'abc']);
});

test('a drawn code reads as it was written', () => {
  const text = 'tg://login?token=AQL3x9YfQ7mR2sVw0bN8pK4dJ6hG1tZcE5uX';
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 4 });
  const scale = 6;
  const size = rows.length * scale;
  const data = new Uint8Array(size * size * 4).fill(255);
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if (rows[Math.floor(y / scale)]?.[Math.floor(x / scale)]) data.fill(0, (y * size + x) * 4, (y * size + x) * 4 + 3);
  expect(decodeQR({ width: size, height: size, data })).toBe(text);
});
