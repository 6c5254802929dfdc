import { expect, test } from 'vitest';

import { freeName, picturesIn, placesOf, renamed, without } from '../../src/state/pictures';
import { formatted } from '../../src/state/formatting';

const picture = (name: string, mime = 'image/png') => ({ sha256: name, name, mime, size: 1, voice: null });

test('the words of a picture are known in every language of the window', () => {
  const text = '[obraz: a.png] [зображення: a.png][image: a.png] [image: a.pn] image: a.png';
  expect(placesOf(text, 'a.png')).toEqual([[0, 14], [15, 34], [34, 48]]);
});

test('only pictures stand in a text, each where it is named, and marks within a name are its own', () => {
  const text = '**x** [image: __a__.png] [image: b.pdf]';
  const kept = placesOf(text, '__a__.png');
  const read = formatted(text, { spoilers: false, kept });
  expect([read.text, read.entities.length]).toEqual(['x [image: __a__.png] [image: b.pdf]', 1]);
  expect(picturesIn(read.text, [picture('b.pdf', 'application/pdf'), picture('__a__.png'), picture('__a__.png')])).toEqual([{ file: 1, offset: 2, length: 18 }]);
});

test('words go with their line, and follow a name that was changed', () => {
  expect(without('a\n[image: b.png]\nc [image: b.png] d', 'b.png')).toBe('a\nc  d');
  expect(renamed('a [image: b.png]', 'b.png', 'c.png')).toBe('a [зображення: c.png]');
  expect([freeName('a.png', []), freeName('a.png', ['a.png', 'a 2.png']), freeName('.env', ['.env'])]).toEqual(['a.png', 'a 3.png', '.env 2']);
});
