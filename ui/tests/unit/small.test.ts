import { describe, expect, test } from 'vitest';

import { fileKind, highlight, initials, shortName, splitName } from '../../src/components/names';
import { badFields, isAddress } from '../../src/features/add-account/checks';
import { facts } from '../../src/features/add-account/facts';
import { firstDay } from '../../src/features/add-account/since';
import { countLines, frameHeight } from '../../src/features/conversation/frame';
import { hostOf, pieces } from '../../src/state/links';
import { moved } from '../../src/features/inbox/listkeys';
import { added, renamed } from '../../src/features/settings/people';
import { isServerUrl } from '../../src/state/server';
import { strength } from '../../src/features/start/strength';
import type { MailboxForm } from '../../src/ipc/client';
import { bindKeys, nameOf, press } from '../../src/state/keys';

test('initials come from the name inside quotes, from two words, or are a question mark', () => {
  expect(['ТОВ «Приклад-Буд»', 'Олена Вербицька', 'Łukasz', 'lozovyi@example.org', '+380 00 000', '', '«»'].map(initials)).toEqual(['ПБ', 'ОВ', 'Ł', 'LE', '?', '?', '?']);
  expect(initials('😀')).toBe('?');
});

test('a colleague’s short name is the first with the initial of the last', () => {
  expect(['Ірина Коваль', 'Марко', ' Anna Maria Nowak-Lis ', ''].map(shortName)).toEqual(['Ірина К.', 'Марко', 'Anna N.', '']);
});

test('a name is kept once, in one form, and never empty', () => {
  expect(added(['Ірина Коваль'], '  Марко   Дуб ')).toEqual(['Ірина Коваль', 'Марко Дуб']);
  expect([added(['Ірина'], ' Ірина '), added([], '  '), renamed(['Ірина', 'Марко'], 1, 'Ірина'), renamed(['Ірина'], 0, '')]).toEqual([null, null, null, null]);
  expect(renamed(['Ірина', 'Марко'], 1, 'Марта')).toEqual(['Ірина', 'Марта']);
});

test('a long file name keeps its end', () => {
  const { front, end } = splitName('Договір оренди 14-К (чистовий).docx');
  expect(front + end).toBe('Договір оренди 14-К (чистовий).docx');
  expect(end).toBe('вий).docx'.slice(-9));
  expect(splitName('a.pdf')).toEqual({ front: 'a.pdf', end: '' });
  expect([fileKind('x.PDF', ''), fileKind('noend', 'image/png')]).toEqual(['PDF', 'PNG']);
});

test('a search hit is marked whatever its case, and the text stays the same', () => {
  const pieces = highlight('Тендерна документація, ТЕНДЕР', 'тендер');
  expect(pieces.filter((piece) => piece.hit).map((piece) => piece.text)).toEqual(['Тендер', 'ТЕНДЕР']);
  expect(pieces.map((piece) => piece.text).join('')).toBe('Тендерна документація, ТЕНДЕР');
  expect(highlight('abc', '')).toEqual([{ text: 'abc', hit: false }]);
});

describe('keys', () => {
  const plain = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };

  test('letters go by their place on the keyboard, whatever the layout', () => {
    expect(nameOf({ ...plain, code: 'KeyJ', key: 'о' }, false)).toBe('KeyJ');
    expect(nameOf({ ...plain, code: 'Slash', key: '.' }, false)).toBe('Slash');
    expect(nameOf({ ...plain, code: 'Digit7', key: '?', shiftKey: true }, false)).toBe('?');
  });

  test('a field and the system keep their keys', () => {
    expect(nameOf({ ...plain, code: 'KeyU', key: 'г' }, true)).toBeNull();
    expect(nameOf({ ...plain, code: 'KeyU', key: 'u', ctrlKey: true }, false)).toBeNull();
    expect(nameOf({ ...plain, code: 'F6', key: 'F6' }, true)).toBe('F6');
  });

  test('what every other program searches with searches here too, from a field as well', () => {
    expect(nameOf({ ...plain, code: 'KeyF', key: 'а', ctrlKey: true }, true)).toBe('Slash');
    expect(nameOf({ ...plain, code: 'KeyF', key: 'f', metaKey: true }, false)).toBe('Slash');
    expect(nameOf({ ...plain, code: 'KeyF', key: 'F', ctrlKey: true, shiftKey: true }, false)).toBeNull();
  });

  test('the screen on top is asked first, and its going gives the key back', () => {
    const heard: string[] = [];
    const below = bindKeys({ Slash: () => heard.push('below') });
    const above = bindKeys({ Slash: () => heard.push('above') });
    press({ ...plain, code: 'Slash', key: '/' }, false);
    above();
    press({ ...plain, code: 'Slash', key: '/' }, false);
    below();
    expect(press({ ...plain, code: 'Slash', key: '/' }, false)).toBe(false);
    expect(heard).toEqual(['above', 'below']);
  });

  test('the list stops at its ends', () => {
    expect([moved('ArrowUp', 0, 5, 3), moved('ArrowDown', 4, 5, 3), moved('PageDown', 1, 5, 3), moved('End', 0, 5, 3), moved('KeyX', 0, 5, 3), moved('ArrowDown', -1, 0, 3)]).toEqual([0, 4, 4, 4, null, null]);
    expect(moved('ArrowDown', -1, 5, 3)).toBe(0);
  });
});

describe('the mailbox form', () => {
  const none = { clientId: '', clientSecret: '', refreshToken: '', tokenEndpoint: '' };
  const form: MailboxForm = { name: '', address: 'a@b.c', imapHost: 'imap.b.c', imapPort: 993, imapSecurity: 'tls', smtpHost: 'smtp.b.c', smtpPort: 465, smtpSecurity: 'tls', user: 'a', auth: 'password', since: null, caFile: null, folders: [], writeFlags: false, color: 0 };

  test('an address has something before and after one @', () => {
    expect(['a@b', ' a@b.c ', 'a@localhost'].every(isAddress)).toBe(true);
    expect(['', 'a', '@b', 'a@', 'a@@b', 'a b@c'].some(isAddress)).toBe(false);
  });

  test('what is wrong is named in the order of the fields', () => {
    expect(badFields(form, 'secret', none, true)).toEqual([]);
    expect(badFields(form, '', none, false)).toEqual([]);
    expect(badFields({ ...form, imapHost: ' ', imapPort: 0, smtpPort: Number.NaN }, '', none, true)).toEqual(['password', 'imapHost', 'imapPort', 'smtpPort']);
  });

  test('tokens are asked for whole, and may stay as they are kept', () => {
    const tokens = { clientId: 'bureau', clientSecret: '', refreshToken: '1//x', tokenEndpoint: 'https://oauth2.example.org/token' };
    const byToken = { ...form, auth: 'xoauth2' as const };
    expect(badFields(byToken, '', tokens, true)).toEqual([]);
    expect(badFields(byToken, '', none, true)).toEqual(['clientId', 'refreshToken', 'tokenEndpoint']);
    expect(badFields(byToken, '', none, false)).toEqual([]);
    expect(badFields(byToken, '', { ...none, clientSecret: 'x' }, false)).toEqual(['clientId', 'refreshToken', 'tokenEndpoint']);
    for (const wrong of ['http://example.org/token', 'example.org', 'ftp://example.org']) expect(badFields(byToken, '', { ...tokens, tokenEndpoint: wrong }, true), wrong).toEqual(['tokenEndpoint']);
    expect(badFields(byToken, '', { ...tokens, tokenEndpoint: 'http://127.0.0.1:1/token' }, true)).toEqual([]);
  });

  test('no protection is allowed to this computer only', () => {
    expect(badFields({ ...form, imapSecurity: 'loopback_plain' }, 'x', none, true)).toEqual(['imapSecurity']);
    expect(badFields({ ...form, imapSecurity: 'loopback_plain', imapHost: '127.0.0.1', smtpSecurity: 'loopback_plain', smtpHost: 'localhost' }, 'x', none, true)).toEqual([]);
    expect(badFields({ ...form, imapSecurity: 'loopback_plain', imapHost: '127.0.0.1.example.org' }, 'x', none, true)).toEqual(['imapSecurity']);
  });

  test('a span gives its first day', () => {
    const today = new Date(2026, 10, 22);
    expect([firstDay('30d', '', today), firstDay('3m', '', today), firstDay('1y', '', today), firstDay('all', '', today), firstDay('date', '2024-02-29', today)]).toEqual(['2026-10-23', '2026-08-22', '2025-11-22', null, '2024-02-29']);
  });
});

test('a frame is compact for short mails and never higher than its limit', () => {
  expect(frameHeight('Дякую', null, 0, false)).toBeLessThan(120);
  expect(frameHeight('Дякую', null, 0, true)).toBe(360);
  expect(frameHeight('рядок\n'.repeat(400), null, 0, false)).toBe(560);
  expect(frameHeight('', null, 0, false)).toBe(560);
  expect(countLines(`${'x'.repeat(200)}\nкоротко`)).toBe(4);
});

test('a server address has a role and a database and no password', () => {
  expect(['postgres://maria@db.example.org/bureau', 'postgresql://maria@db:5432/bureau?sslmode=verify-full'].every(isServerUrl)).toBe(true);
  expect(['postgres://maria:secret@db/bureau', 'postgres://db/bureau', 'http://a@b/c', 'postgres://a@/c', 'nonsense'].some(isServerUrl)).toBe(false);
});

test('a passphrase is weak, fair or strong', () => {
  expect([strength('aaaaaaaaaaaaaaaaaaaaaa'), strength('коротка'), strength('вода камінь ліс'), strength('вода камінь ліс яблуко хмара')]).toEqual(['weak', 'weak', 'fair', 'strong']);
});

test('web addresses are found in plain text, without what ends the sentence around them', () => {
  const links = (text: string) => pieces(text).flatMap((piece) => piece.url ?? []);
  expect(links('Див. https://example.org/a?b=1&c=2, або (https://example.org/x_(y)). Кінець')).toEqual(['https://example.org/a?b=1&c=2', 'https://example.org/x_(y)']);
  expect(links('www.example.org. mailto:a@example.org; «https://приклад.example/»')).toEqual(['https://www.example.org/', 'mailto:a@example.org', 'https://xn--80aikifvh.example/']);
  expect(links('javascript:alert(1) http:// ftp://example.org example.org')).toEqual([]);
  const text = 'до https://example.org/ і після\nрядок';
  expect(pieces(text).map((piece) => piece.text).join('')).toBe(text);
  expect([hostOf('https://приклад.example/x'), hostOf('mailto:a@example.org')]).toEqual(['xn--80aikifvh.example', 'a@example.org']);
});

test('what a connection test found is said in words, or as it was told', () => {
  const now = new Date(2026, 10, 22);
  expect(facts('tls', 'TLS 1.3 · imap.example.org, *.example.org · C=US, O="Trust, Inc.", CN=E7 · 2027-02-14', now)).toBe('TLS 1.3, сертифікат для imap.example.org, *.example.org, видав Trust, Inc., чинний до 14\u00a0лют.\u00a02027');
  expect(facts('folders', '21 · Sent: Надіслані', now)).toBe('21 тека, надіслане в «Надіслані»');
  expect([facts('tls', 'something else', now), facts('resolve', '192.0.2.1', now), facts('idle', 'NOOP', now)]).toEqual(['something else', '192.0.2.1', '']);
});
