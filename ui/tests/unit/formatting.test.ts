import { describe, expect, test } from 'vitest';

import { carried, changedText, losesByChange } from '../../src/features/conversation/chat/own';
import { chatMessage } from '../../src/ipc/fake/chats';
import { formOf } from '../../src/state/mails.svelte';
import { editing } from '../../src/state/editing.svelte';
import { formatted, marked, outgoing } from '../../src/state/formatting';
import type { EntityName, EntityView } from '../../src/ipc/client';
import { Random } from '../../src/ipc/fake/random';

const entity = (offset: number, length: number, kind: EntityName, url: string | null = null): EntityView => ({ offset, length, kind, url, language: kind === 'pre' ? '' : null });
/** What is shown in another way, in words. */
const shown = (source: string, options?: { spoilers?: boolean }) => {
  const { text, entities } = formatted(source, options);
  return [text, ...entities.map(({ kind, offset, length, url }) => `${kind}: ${text.slice(offset, offset + length)}${url === null ? '' : ` > ${url}`}`)];
};

describe('marks in a text', () => {
  test.each([
    ['**bold**', ['bold', 'bold: bold']],
    ['Готово **в середу**, до 16:00', ['Готово в середу, до 16:00', 'bold: в середу']],
    ['__курсив__ і ~~зайве~~', ['курсив і зайве', 'italic: курсив', 'strike: зайве']],
    ['код `PL-14` тут', ['код PL-14 тут', 'code: PL-14']],
    ['||таємно||', ['таємно', 'spoiler: таємно']],
    ['ось [договір](https://example.org/a_(1)?b=__c__)!', ['ось договір!', 'text_url: договір > https://example.org/a_(1)?b=__c__']],
    ['до\n```\nlet **x**;\n\n  y\n```\nпісля', ['до\nlet **x**;\n\n  y\nпісля', 'pre: let **x**;\n\n  y']],
    ['```one```', ['one', 'pre: one']],
    ['**жирно __і курсив__**', ['жирно і курсив', 'bold: жирно і курсив', 'italic: і курсив']],
    ['__**обидва**__', ['обидва', 'bold: обидва', 'italic: обидва']],
    ['**[a](https://x.org) b**', ['a b', 'bold: a b', 'text_url: a > https://x.org']],
    ['[**a** b](https://x.org)', ['a b', 'text_url: a b > https://x.org', 'bold: a']],
    ['«**слово**», (__слово__). **a**/**b**', ['«слово», (слово). a/b', 'bold: слово', 'italic: слово', 'bold: a', 'bold: b']],
    ['🙂**жирно**🙂', ['🙂жирно🙂', 'bold: жирно']],
    ['**🙂**', ['🙂', 'bold: 🙂']],
    ['**два\nрядки**', ['два\nрядки', 'bold: два\nрядки']],
    ['**a**\r\n__b__\r\n', ['a\r\nb\r\n', 'bold: a', 'italic: b']],
    ['**https://example.org/a**', ['https://example.org/a', 'bold: https://example.org/a']],
    ['||https://example.org/a||', ['https://example.org/a', 'spoiler: https://example.org/a']],
    ['**foo **bar**', ['**foo bar', 'bold: bar']],
    ['`a` `b`', ['a b', 'code: a', 'code: b']],
    ['[пошта](mailto:a@b.test) [чат](tg://resolve?domain=x)', ['пошта чат', 'text_url: пошта > mailto:a@b.test', 'text_url: чат > tg://resolve?domain=x']],
  ])('%j', (source, expected) => {
    expect(shown(source)).toEqual(expected);
  });

  test.each([
    '**', '****', '**a', 'a**', '2 ** 3', '2**3**4', 'snake__case__name', '__init__.py', '/srv/__init__/a', 'https://example.org/__a__/b__c__', 'http://x.org/?q=**a**', '** a **', '**\n\n**', '**перше\n\nдруге**',
    'Дата: __/__/2026', '«__» ____________ 2026 р.', '__.__.2026', '_____', '***', '***x***', '-----', '~~~', 'п`ять, зв`язок, об`єкт', '5` 10`', '``', '```', '```\n\n```', '````x````', 'a || b || c', 'a||b||c',
    '[1] і (https://x.org)', '[a](javascript:alert(1))', '[a](file:///etc/passwd)', '[a](www.example.org)', '[ ](https://x.org)', '[a\nb](https://x.org)', '[a](https://)', 'C:\\temp\\a', '\\** lone', '\\', 'Ціна 100 грн**\n** без ПДВ',
    'від __.__.2026 до __.__.2026', '№__, від __,__', 'Кінець**. Далі', '*a* _b_ ~c~ |d|', '<b>ні</b> &amp;', '\r\n\r\n', 'a\\**b**',
  ])('nothing of %j is a mark', (source) => {
    expect(formatted(source)).toEqual({ text: source, entities: [] });
  });

  test.each([
    ['\\**не жирно**', '**не жирно**'],
    ['\\**не жирно\\**', '**не жирно**'],
    ['\\__a__ \\~~b~~ \\||c|| \\`d`', '__a__ ~~b~~ ||c|| `d`'],
    ['\\[a](https://x.org)', '[a](https://x.org)'],
    ['\\```a```', '```a```'],
    ['\\\\**a**', '\\**a**'],
  ])('a backslash keeps %j from being one', (source, text) => {
    expect(formatted(source)).toEqual({ text, entities: [] });
  });

  test('a backslash within keeps the end from coming early', () => {
    expect(shown('**a\\** b**')).toEqual(['a** b', 'bold: a** b']);
    expect(shown('\\**a** __b__')).toEqual(['**a** b', 'italic: b']);
  });

  test('nothing is hidden in a mail', () => {
    expect(shown('||a|| **b**', { spoilers: false })).toEqual(['||a|| b', 'bold: b']);
  });

  test('places count in UTF-16 units of the text without marks', () => {
    expect(formatted('🙂 **є** 🇺🇦 __так__').entities).toEqual([entity(3, 1, 'bold'), entity(10, 3, 'italic')]);
  });

  test('as it goes out, it has no empty space around, and its places follow', () => {
    expect(outgoing('  \n**a** b \n')).toEqual({ text: 'a b', entities: [entity(0, 1, 'bold')] });
    expect(outgoing('```\n\n a\n\n```')).toEqual({ text: 'a', entities: [entity(0, 1, 'pre')] });
  });

  test('a long text takes no long time', () => {
    const began = performance.now();
    for (const part of ['**a ', '`a ', '[a](', '\\**b ', '__x__ ', '```', '** ', 'https://x.org/** ']) formatted(part.repeat(50_000 / part.length));
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

const back = (text: string, entities: EntityView[]) => {
  const written = marked({ text, entities });
  if (written === null) throw new Error(`not written: ${JSON.stringify(text)}`);
  return { ...written, read: formatted(written.text) };
};

describe('a text written with marks', () => {
  test.each<[string, EntityView[], string]>([
    ['a b c', [entity(2, 1, 'bold')], 'a **b** c'],
    ['a b c', [entity(0, 5, 'italic'), entity(2, 1, 'bold')], '__a **b** c__'],
    ['a b', [entity(0, 3, 'bold'), entity(0, 3, 'italic'), entity(0, 3, 'text_url', 'https://x.org')], '[**__a b__**](https://x.org)'],
    ['2 ** 3, **так**', [entity(8, 7, 'spoiler')], '2 ** 3, ||\\**так**||'],
    ['до\nкод\nпісля', [entity(3, 3, 'pre')], 'до\n```\nкод\n```\nпісля'],
    ['\\**a**', [], '\\\\**a**'],
    ['a** b', [entity(0, 5, 'bold')], '**a\\** b**'],
    ['```a``` `b`', [], '\\```a``` \\`b`'],
  ])('%j', (text, entities, expected) => {
    const { text: is, rest, read } = back(text, entities);
    expect(is).toBe(expected);
    expect(rest).toEqual([]);
    expect(read.text).toBe(text);
    expect(read.entities).toHaveLength(entities.length);
  });

  test('what no mark stands for is kept beside it', () => {
    const entities = [entity(0, 6, 'underline'), entity(0, 3, 'bold'), entity(4, 6, 'custom_emoji'), entity(4, 6, 'blockquote'), { ...entity(0, 3, 'pre'), language: 'rust' }, entity(7, 3, 'text_url', 'javascript:alert(1)')];
    const { text, rest, read } = back('привіт усім', entities);
    // Half a word cannot stand between marks.
    expect(text).toBe('привіт усім');
    expect(read).toEqual({ text: 'привіт усім', entities: [] });
    expect(rest).toHaveLength(6);
  });

  test('space at the edges and empty lines are left out of the marks', () => {
    expect(back('a b \n\n c', [entity(1, 7, 'bold')]).text).toBe('a **b** \n\n **c**');
  });

  test('stretches that cross keep one of them marked and the other beside', () => {
    const { rest, read } = back('aa bb cc', [entity(0, 5, 'bold'), entity(3, 5, 'italic')]);
    expect([...rest, ...read.entities]).toHaveLength(2);
    expect(read.text).toBe('aa bb cc');
  });

  test('what was kept beside follows the words', () => {
    expect(carried([entity(0, 3, 'underline'), entity(8, 3, 'underline')], 'abc def ghi', 'abc defff ghi')).toEqual([entity(0, 3, 'underline'), entity(10, 3, 'underline')]);
  });
});

describe('a message that is changed', () => {
  const conversation = { account: 'a', id: 'c' };
  const begin = (text: string, entities: EntityView[]) => {
    editing.begin(conversation, chatMessage('a', 'c', { at: 0, ours: true, text, chat: { entities } }));
    const open = editing.of(conversation);
    if (!open) throw new Error('not open');
    return open;
  };

  test('is not sent where nothing was changed', () => {
    expect(changedText(begin('a b', [entity(0, 1, 'bold')]))).toBeNull();
  });

  test('keeps its marks, and what has none', () => {
    const open = begin('перше друге', [entity(0, 5, 'bold'), entity(6, 5, 'underline')]);
    expect(open.text).toBe('**перше** друге');
    expect(changedText({ ...open, text: '**перше** саме друге' })).toEqual({ text: 'перше саме друге', entities: [entity(0, 5, 'bold'), entity(11, 5, 'underline')] });
  });

  test('whose signs were never marks keeps them as signs', () => {
    const open = begin('**не жирно** [a](https://x.org)', []);
    expect(changedText({ ...open, text: `${open.text}!` })).toEqual({ text: '**не жирно** [a](https://x.org)!', entities: [] });
  });

  test('that names somebody or has special emoji is left to Telegram', () => {
    const of = (kind: EntityName) => chatMessage('a', 'c', { at: 0, ours: true, text: 'a', chat: { entities: [entity(0, 1, kind)] } });
    expect((['mention_name', 'custom_emoji', 'mention', 'url', 'bold', 'underline'] as const).map((kind) => losesByChange(of(kind)))).toEqual([true, true, false, false, false, false]);
  });
});

test('a mail goes out with places in its own text, line breaks counted once, its quote untouched', () => {
  const mail = { to: [], cc: [], bcc: [], subject: '', files: [], kind: 'forward' as const, message: 'm', quote: '> **цитата**', quotes: true, begun: '' };
  const form = formOf({ ...mail, text: 'Добрий день\r\n**ціна** 100\r\n' });
  expect(form.text).toBe('Добрий день\nціна 100\n\n> **цитата**');
  expect(form.entities).toEqual([entity(12, 4, 'bold')]);
});

describe('whatever is written', () => {
  const plain = ['а', 'Ї', 'z', '7', ' ', '\n', '\r\n', '.', ',', '*', '_', '-', '(', ')', '«', '🙂', '👩‍💻', '/', ':', '~', '|', '\u0301', '"', '<'];
  const signs = [...plain, '**', '__', '~~', '||', '`', '```', '\\', '[', ']', '](https://x.org)', 'https://x.org/a', '\n\n', 'слово', ' слово '];
  const soup = (random: Random, from: readonly string[], length: number) => Array.from({ length }, () => random.pick(from)).join('');

  test('a text without marks stays as it is', () => {
    const random = new Random(11);
    for (let i = 0; i < 4000; i++) {
      const text = soup(random, plain, 40).replace(/\*\*+|__+|~~+|\|\|+/g, (run) => run[0] ?? '');
      expect(formatted(text)).toEqual({ text, entities: [] });
    }
  });

  test('any text, marks or none, is written so that it is read as itself', () => {
    const random = new Random(12);
    for (let i = 0; i < 4000; i++) {
      const text = soup(random, signs, 24);
      expect(back(text, []).read, JSON.stringify(text)).toEqual({ text, entities: [] });
    }
  });

  test('taking marks out takes nothing else out', () => {
    const random = new Random(13);
    const bare = (text: string) => text.replace(/[*_~|`\\[\]()\s]|https:\/\/x\.org/g, '');
    for (let i = 0; i < 4000; i++) {
      const text = soup(random, signs, 30);
      expect(bare(formatted(text).text), JSON.stringify(text)).toBe(bare(text));
    }
  });

  test('stretches come back, as marks or beside them', () => {
    const random = new Random(14);
    const kinds: EntityName[] = ['bold', 'italic', 'strike', 'spoiler', 'code', 'pre', 'text_url', 'underline', 'custom_emoji'];
    let written = 0;
    for (let i = 0; i < 4000; i++) {
      const words = Array.from({ length: 8 }, () => (random.chance(0.2) ? soup(random, signs, 3).trim() || 'x' : random.pick(['слово', 'два', '🙂', 'PL-14', 'т.ч.', '«так»'])));
      const text = words.join(' ').trim();
      const starts = words.map((_, at) => words.slice(0, at).join(' ').length + (at > 0 ? 1 : 0));
      const entities = Array.from({ length: 1 + random.int(3) }, () => {
        const [from, to] = [random.int(8), random.int(8)].sort((a, b) => a - b) as [number, number];
        const kind = random.pick(kinds);
        return entity(starts[from] ?? 0, (starts[to] ?? 0) + (words[to]?.length ?? 0) - (starts[from] ?? 0), kind, kind === 'text_url' ? 'https://x.org/a' : null);
      }).filter(({ offset, length }) => offset + length <= text.length && /^\S[^]*\S$|^\S$/u.test(text.slice(offset, offset + length)) && !/\n\s*\n/.test(text.slice(offset, offset + length)));
      const { rest, read } = back(text, entities);
      const key = (one: EntityView) => `${one.kind} ${one.offset} ${one.length} ${one.url}`;
      expect(read.text, JSON.stringify(text)).toBe(text);
      expect([...rest, ...read.entities].map(key).sort(), JSON.stringify(text)).toEqual(entities.map(key).sort());
      written += read.entities.length;
    }
    expect(written).toBeGreaterThan(3000);
  });
});
