import { expect, test } from 'vitest';

import { startingAccount } from '../../src/features/inbox/newChat';
import type { AccountView, AttachedFile } from '../../src/ipc/client';
import { chatFile, chatMessage, telegramAccounts } from '../../src/ipc/fake/chats';
import { canPass, followed, joined, messagesOf } from '../../src/state/passing.svelte';

const file = (sha256: string, name = sha256): AttachedFile => ({ sha256, name, mime: 'application/pdf', size: 1, voice: null });
const message = (given: Partial<Parameters<typeof chatMessage>[2]>) => chatMessage('a', 'c', { at: 0, ...given });

test('words that are passed on follow what is written and never take its place', () => {
  expect(followed('', 'слова')).toBe('слова');
  expect(followed(' \n', 'слова')).toBe('слова');
  expect(followed('Уже є. \n\n', 'слова')).toBe('Уже є.\n\nслова');
  expect(followed('\n\nПідпис', 'слова'), 'above a signature there is room to write').toBe('\n\nПідпис\n\nслова');
});

test('files are added, the same one under the same name once', () => {
  expect(joined([file('a')], [file('a'), file('b'), file('b'), file('b', 'інша назва')]).map(({ name }) => name)).toEqual(['a', 'b', 'інша назва']);
  expect(joined([file('a'), file('a')], []), 'what is there is left alone').toHaveLength(2);
});

test('an album is passed on as a whole, another message alone', () => {
  const one = message({ text: 'так' });
  expect(messagesOf(one)).toEqual([one.key]);
  expect(messagesOf(message({ chat: { album: ['x', 'y'] } }))).toEqual([{ account: 'a', id: 'x' }, { account: 'a', id: 'y' }]);
});

test('what holds neither words nor files, or cannot be read, is not passed on', () => {
  expect(canPass(message({ text: 'так' }))).toBe(true);
  expect(canPass(message({ files: [chatFile('document', 'а.pdf', 1)] }))).toBe(true);
  expect(canPass(message({ chat: { media: { kind: 'contact', name: 'Тарас', phone: '' } } }))).toBe(false);
  expect(canPass(message({ text: 'так', chat: { service: { kind: 'call', about: '', seconds: 1 } } }))).toBe(false);
  expect(canPass({ ...message({ text: 'так' }), unreadable: 'broken' })).toBe(false);
});

test('a chat is begun from the last account, else from the one that is shown, else from one that works', () => {
  const accounts: AccountView[] = telegramAccounts();
  const broken = accounts.filter((account) => account.state.kind === 'needs_sign_in');
  const first = accounts[0]?.id ?? '';
  const second = accounts[1]?.id ?? '';
  expect(startingAccount(accounts, second, [first])).toBe(second);
  expect(startingAccount(accounts, 'removed', [null, 'a mailbox', second])).toBe(second);
  expect(startingAccount([...broken, ...accounts], null, [null])).toBe(first);
  expect(startingAccount(broken, null, [])).toBe(broken[0]?.id);
  expect(startingAccount([], null, [])).toBe('');
});
