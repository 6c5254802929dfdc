import { beforeEach, expect, test } from 'vitest';

import { TelegramWizard, keepTelegram, telegramFor } from '../../src/features/add-account/telegram.svelte';
import type { Backend, Commands } from '../../src/ipc/backend';
import { type AccountView, type TelegramAccess, connectTo } from '../../src/ipc/client';

const HASH = '0123456789abcdef0123456789abcdef';
const user = { id: '1', name: 'Ірина', username: null, phone: null, dc: 2 };
let began: TelegramAccess[] = [];
let phones: (string | null)[] = [];

const commands: Partial<Commands> = {
  beginPhoneSignIn: async (access) => {
    began.push(access);
    return { signIn: began.length, phone: '+380000000011', way: 'app', length: 5, next: null, againAfter: null };
  },
  beginQrSignIn: async (access) => {
    began.push(access);
    return began.length;
  },
  submitCode: async () => ({ kind: 'signed_in', user }),
  inspectSession: async () => ({ signIn: 7, format: 'Telethon', dc: 2, address: null, userId: null, apiId: null, file: null }),
  useSession: async (_key, _access, phone) => {
    phones.push(phone);
    return { kind: 'signed_in', user };
  },
  finishSignIn: async () => ({ id: 'tg-1' }) as AccountView,
  cancelSignIn: async () => null,
};

beforeEach(() => {
  began = [];
  phones = [];
  connectTo({ commands: commands as Commands, listen: async () => () => undefined } satisfies Backend);
});

async function asked(): Promise<TelegramWizard> {
  const wizard = telegramFor(undefined);
  Object.assign(wizard, { phone: '+380 00 000 00 11', apiId: '17349', apiHash: HASH, proxyOn: true, proxyHost: 'proxy.example.org', proxyPassword: 's3cret' });
  await wizard.begin();
  return wizard;
}

test('a wizard that is left keeps no secret, and goes on with the code', async () => {
  const wizard = await asked();
  expect(wizard.hashKept, 'for another number').toBe(true);
  keepTelegram(wizard);
  expect(telegramFor(undefined)).toBe(wizard);
  expect(wizard.hashKept).toBe(false);
  wizard.code = '12345';
  await wizard.submitCode();
  expect(wizard.step).toBe('chats');
  await wizard.cancel();
});

test('another number is asked for with the same keys, and with none after it was given up', async () => {
  const wizard = await asked();
  wizard.restart();
  await wizard.begin();
  expect(began.map(({ apiHash, proxyPassword }) => [apiHash, proxyPassword])).toEqual([[HASH, 's3cret'], [HASH, 's3cret']]);
  await wizard.cancel();
  wizard.step = 'way';
  await wizard.begin();
  expect([began.length, wizard.bad]).toEqual([2, ['apiHash']]);
});

test('a QR code that expired after the wizard was left asks for the keys again', async () => {
  const wizard = telegramFor(undefined);
  Object.assign(wizard, { way: 'qr', apiId: '17349', apiHash: HASH });
  await wizard.begin();
  expect(wizard.step).toBe('enter');
  keepTelegram(wizard);
  await wizard.showQr();
  expect([wizard.step, wizard.bad, began.length]).toEqual(['way', ['apiHash'], 1]);
  await telegramFor(undefined).cancel();
});

test('a wizard that was left while it saved is not shown again', async () => {
  const wizard = await asked();
  wizard.code = '12345';
  await wizard.submitCode();
  const saving = wizard.finish();
  keepTelegram(wizard);
  expect(await saving).toBe(true);
  expect(wizard.saved).toBe('tg-1');
  expect(telegramFor(undefined)).not.toBe(wizard);
});

test('a session is not held against the number that an account had', async () => {
  const wizard = new TelegramWizard({ id: 'tg-1', telegram: { phone: '+380000000001' } } as AccountView);
  Object.assign(wizard, { way: 'session', session: '1abc' });
  await wizard.begin();
  await wizard.useSession();
  expect([wizard.phone, phones]).toEqual(['+380000000001', [null]]);
});
