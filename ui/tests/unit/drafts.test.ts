import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { Backend, Commands } from '../../src/ipc/backend';
import { type DraftView, IpcError, connectTo } from '../../src/ipc/client';
import type { MailDraft } from '../../src/state/drafts.svelte';

const chat = { account: 'x', id: 'a' };
const thread = { account: 'x', id: 'b' };
let shelf: DraftView[] = [];
let done: string[] = [];
let broken = false;

const commands: Partial<Commands> = {
  drafts: async () => shelf,
  saveDraft: async (account, id, conversation, content) => {
    if (broken) throw new IpcError({ code: 'database', detail: 'gone' });
    done.push(`save ${conversation?.id ?? 'new'}`);
    shelf = [{ account, id, conversation: conversation?.id ?? null, content, changedAt: '' }, ...shelf.filter((view) => view.id !== id && (conversation === null || view.conversation !== conversation.id))];
    return null;
  },
  removeDraft: async (_account, id) => {
    done.push('remove');
    shelf = shelf.filter((view) => view.id !== id);
    return null;
  },
};

const fields = { to: [{ name: '', address: 'o@b.test' }], cc: [], bcc: [], subject: 'Re: x', text: '\n\nПідпис', files: [] };

/** Another run of the window. */
async function run() {
  vi.resetModules();
  const { connectTo: connect } = await import('../../src/ipc/client');
  const { drafts, fingerprint } = await import('../../src/state/drafts.svelte');
  connect({ commands: commands as Commands, listen: async () => () => undefined } satisfies Backend);
  const answer: MailDraft = { ...fields, kind: 'reply', message: 'm1', quote: '> x', quotes: true, begun: fingerprint(fields) };
  return { drafts, answer };
}

beforeEach(() => {
  vi.useFakeTimers();
  shelf = [];
  done = [];
  broken = false;
  connectTo({ commands: commands as Commands, listen: async () => () => undefined } satisfies Backend);
});

describe('a draft', () => {
  test('is stored after a pause, once for many letters, and is there again in the next run', async () => {
    const { drafts } = await run();
    for (const text of ['В', 'Ві', 'Вітаю \n😀']) drafts.changeChat(chat, { text });
    expect(done).toEqual([]);
    await vi.advanceTimersByTimeAsync(500);
    expect(done).toEqual(['save a']);
    const next = await run();
    await next.drafts.load();
    expect(next.drafts.chat(chat).text).toBe('Вітаю \n😀');
    expect(next.drafts.written('x/a')).toBe(true);
    next.drafts.changeChat(chat, { text: '' });
    await next.drafts.flush();
    expect(shelf).toEqual([]);
  });

  test('that nobody has typed in is none, nor is one that was typed away again', async () => {
    const { drafts, answer } = await run();
    const name = drafts.begin('x', thread, answer);
    await vi.advanceTimersByTimeAsync(500);
    expect([drafts.written(name), done]).toEqual([false, []]);
    drafts.changeMail(name, { text: 'Так.\n\nПідпис' });
    await vi.advanceTimersByTimeAsync(500);
    expect([drafts.written(name), done]).toEqual([true, ['save b']]);
    drafts.changeMail(name, { text: '\n\nПідпис' });
    await vi.advanceTimersByTimeAsync(500);
    expect([drafts.written(name), done, shelf]).toEqual([false, ['save b', 'remove'], []]);
  });

  test('that was sent is removed, and the next one in its place is stored', async () => {
    const { drafts, answer } = await run();
    drafts.begin('x', thread, { ...answer, text: 'перший' });
    await drafts.flush();
    drafts.remove('x/b');
    drafts.begin('x', thread, { ...answer, text: 'другий' });
    await drafts.flush();
    await vi.advanceTimersByTimeAsync(500);
    expect(shelf.map((view) => JSON.parse(view.content).mail.text)).toEqual(['другий']);
  });

  test('that cannot be stored says so and is stored later', async () => {
    const { drafts } = await run();
    broken = true;
    drafts.changeChat(chat, { text: 'x' });
    await vi.advanceTimersByTimeAsync(500);
    expect(drafts.fails('x/a')).toBe(true);
    broken = false;
    await vi.advanceTimersByTimeAsync(3500);
    expect([drafts.fails('x/a'), done]).toEqual([false, ['save a']]);
  });

  test('that was typed before the stored ones were read stays', async () => {
    shelf = [{ account: 'x', id: 'd1', conversation: 'a', content: JSON.stringify({ chat: { text: 'старе', answered: null } }), changedAt: '' }];
    const { drafts } = await run();
    drafts.changeChat(chat, { text: 'нове' });
    await drafts.load();
    expect(drafts.chat(chat).text).toBe('нове');
    await drafts.flush();
    expect(shelf.map((view) => JSON.parse(view.content).chat.text)).toEqual(['нове']);
  });

  test('that is handed over frees its field, and what is typed meanwhile is stored after it', async () => {
    const { drafts } = await run();
    let arrive = () => {};
    drafts.changeChat(chat, { text: 'перше' });
    const over = drafts.handOver(chat, async (key) => {
      expect(shelf.map((view) => [view.id, JSON.parse(view.content).chat.text])).toEqual([[key, 'перше']]);
      await new Promise<void>((resolve) => (arrive = resolve));
      shelf = [];
    });
    expect([drafts.chat(chat).text, drafts.written('x/a')]).toEqual(['', true]);
    drafts.changeChat(chat, { text: 'друге' });
    await vi.advanceTimersByTimeAsync(2000);
    expect(shelf.map((view) => JSON.parse(view.content).chat.text)).toEqual(['перше']);
    arrive();
    await over;
    await drafts.flush();
    expect([drafts.chat(chat).text, shelf.map((view) => JSON.parse(view.content).chat.text)]).toEqual(['друге', ['друге']]);
  });

  test('drafts that are handed over one after the other go in their order', async () => {
    const { drafts } = await run();
    const order: string[] = [];
    const hand = (text: string, ms: number) => {
      drafts.changeChat(chat, { text });
      return drafts.handOver(chat, async (key) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        order.push(text);
        shelf = shelf.filter((view) => view.id !== key);
      });
    };
    const both = Promise.all([hand('перше', 2000), hand('друге', 1)]);
    await vi.advanceTimersByTimeAsync(500);
    await drafts.flush();
    // A pause, or a look elsewhere, must not put the second in the place of the first: the database has one of a chat.
    expect(shelf.map((view) => JSON.parse(view.content).chat.text)).toEqual(['перше']);
    await vi.advanceTimersByTimeAsync(5000);
    await both;
    expect([order, shelf, drafts.written('x/a')]).toEqual([['перше', 'друге'], [], false]);
  });

  test('a draft that could not be handed over comes back with what was to follow it, in their order', async () => {
    const { drafts } = await run();
    const answered = { message: 'm1', author: 'Олена', text: 'Коли?' };
    const tried: string[] = [];
    const hand = (text: string) => {
      drafts.changeChat(chat, { text, ...(text === 'перше' ? { answered } : {}) });
      const over = drafts.handOver(chat, async () => {
        tried.push(text);
        await new Promise((resolve) => setTimeout(resolve, 300));
        throw new Error('gone');
      });
      return over.catch((error: Error) => error.constructor.name);
    };
    const ends = Promise.all([hand('перше'), hand('друге')]);
    drafts.changeChat(chat, { text: 'третє' });
    await vi.advanceTimersByTimeAsync(5000);
    expect(await ends).toEqual(['Error', 'HandedBack']);
    expect([tried, drafts.chat(chat)]).toEqual([['перше'], { text: 'перше\nдруге\nтретє', answered, files: [] }]);
    expect(shelf.map((view) => JSON.parse(view.content).chat.text)).toEqual(['перше\nдруге\nтретє']);
    expect(await drafts.handOver(chat, async () => 'well')).toBe('well');
  });

  test('of a conversation that became part of another goes along, beside what is written there', async () => {
    const { drafts, answer } = await run();
    drafts.begin('x', thread, { ...answer, text: 'моє' });
    await drafts.flush();
    drafts.follow(thread, { account: 'x', id: 'c' });
    await drafts.flush();
    expect([drafts.mail('x/c')?.text, shelf.map((view) => view.conversation)]).toEqual(['моє', ['c']]);
    drafts.begin('x', thread, { ...answer, text: 'інше' });
    await drafts.flush();
    drafts.follow(thread, { account: 'x', id: 'c' });
    await drafts.flush();
    expect([drafts.mail('x/c')?.text, drafts.news.map((name) => drafts.mail(name)?.text)]).toEqual(['моє', ['інше']]);
  });

  test('of a new mail that goes out from another account is stored there alone', async () => {
    const { drafts, answer } = await run();
    const name = drafts.begin('x', null, { ...answer, kind: 'new', text: 'моє' });
    await drafts.flush();
    drafts.moveMail(name, 'y');
    await drafts.flush();
    await vi.advanceTimersByTimeAsync(500);
    expect([shelf.map((view) => view.account), drafts.mail(name)?.text, drafts.accountOf(name)]).toEqual([['y'], 'моє', 'y']);
  });

  test('that another version wrote is left alone', async () => {
    shelf = ['{"voice":1}', 'x', '{"mail":{"text":"x"}}', 'null'].map((content, n) => ({ account: 'x', id: `d${n}`, conversation: `q${n}`, content, changedAt: '' }));
    const { drafts } = await run();
    await drafts.load();
    await vi.advanceTimersByTimeAsync(500);
    expect([drafts.news, shelf.length, done]).toEqual([[], 4, []]);
  });
});
