import { describe, expect, test } from 'vitest';

import { added, isAddress, people, separates } from '../../src/features/conversation/mail/addresses';
import { at, choices, daysOn, times } from '../../src/features/conversation/write/later';
import { bare } from '../../src/features/conversation/standing';
import { comingTime } from '../../src/i18n/format';

describe('addresses', () => {
  test('are read as people write and paste them', () => {
    expect(people('a@b.test')).toEqual([{ name: '', address: 'a@b.test' }]);
    expect(people(' Олена Вербицька <olena@b.test> ')).toEqual([{ name: 'Олена Вербицька', address: 'olena@b.test' }]);
    expect(people('"Ковальська, Анна \\"А\\"" <anna@b.test>; <c@d.test>,\ne@f.test')).toEqual([
      { name: 'Ковальська, Анна "А"', address: 'anna@b.test' },
      { name: '', address: 'c@d.test' },
      { name: '', address: 'e@f.test' },
    ]);
    expect(people('a@b.test <a@b.test>')).toEqual([{ name: '', address: 'a@b.test' }]);
    expect(people('mailto:a@b.test')).toEqual([{ name: '', address: 'a@b.test' }]);
    expect([people(''), people(' , ;\n')]).toEqual([[], []]);
    expect(people('щось не те').map((one) => one.address)).toEqual(['щось не те']);
  });

  test('end at a separator that stands in no quotes and no brackets', () => {
    expect(['a@b.test', '"Last, First', 'Name <a,', 'a@b.test,', '"L, F" <a@b.test>;', 'a\nb'].map(separates)).toEqual([false, false, false, true, true, true]);
  });

  test('are told from what is none', () => {
    for (const good of ['a@b.test', 'a.b+c@b.test', 'пошта@приклад.укр', 'a@localhost']) expect(isAddress(good), good).toBe(true);
    for (const bad of ['a', '@b.test', 'a@', 'a@b..test', 'a@-b.test', 'a b@c.test', 'a@b@c.test', '<a@b.test>', 'a@b.test\r\nBcc: c@d.test', '\u202ea@b.test', 'group: a@b.test', `${'a'.repeat(250)}@b.test`]) expect(isAddress(bad), bad).toBe(false);
  });

  test('stand there once, whatever their case', () => {
    const one = { name: '', address: 'a@b.test' };
    expect(added([one], [{ name: 'А', address: 'A@B.test' }, { name: '', address: 'c@d.test' }, { name: '', address: 'C@d.test' }]).map((person) => person.address)).toEqual(['a@b.test', 'c@d.test']);
  });
});

describe('sending later', () => {
  const local = (date: Date) => `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()} ${date.getHours()}:${String(date.getMinutes()).padStart(2, '0')}`;

  test('is offered in an hour, tomorrow and on the next Monday', () => {
    const sunday = choices(new Date(2026, 10, 22, 12, 4, 33));
    expect([sunday.hour, sunday.tomorrow, sunday.monday].map(local)).toEqual(['2026-11-22 13:04', '2026-11-23 9:00', '2026-11-23 9:00']);
    expect(local(choices(new Date(2026, 10, 23, 8)).monday), 'a Monday means the next one').toBe('2026-11-30 9:00');
    expect(local(choices(new Date(2026, 11, 31, 23, 30)).tomorrow)).toBe('2027-1-1 9:00');
  });

  test('is by the wall clock, also over a change of the clocks', () => {
    for (const day of [new Date(2026, 2, 28), new Date(2026, 9, 24)]) expect(local(at(daysOn(day, 1), 9)).endsWith(' 9:00')).toBe(true);
  });

  test('is offered for half hours to come', () => {
    const now = new Date(2026, 10, 22, 22, 40);
    expect(times(now, now)).toEqual(['23:00', '23:30']);
    expect(times(daysOn(now, 1), now)).toHaveLength(48);
    expect(times(new Date(2026, 10, 22, 23, 31), new Date(2026, 10, 22, 23, 31))).toEqual([]);
  });

  test('is told with its day', () => {
    const now = new Date(2026, 10, 22, 12);
    expect([at(now, 14), at(daysOn(now, 1), 9), at(daysOn(now, 8), 9)].map((when) => comingTime('uk', when, now))).toEqual(['14:00', 'завтра, 09:00', '30\u00a0лист., 09:00']);
  });
});

test('a subject is compared without what answering put before it', () => {
  expect(['Re: Fwd: Лот 4', 'RE : лот', 'Odp: Faktura', 'Репетиція', ''].map(bare)).toEqual(['Лот 4', 'лот', 'Faktura', 'Репетиція', '']);
});
