// Secrets that are looked for wherever the program could have left them, in every form in which they could stand there.
import { existsSync, lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The forms of a secret: as it is, hexadecimal, base64 at each offset, percent, escaped for JSON, UTF-16. */
export function forms(secret) {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const percent = (all) => [...bytes].map((byte) => (!all && /[A-Za-z0-9]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)).join('');
  const escaped = [...secret].map((c) => (c.codePointAt(0) < 128 ? c : `\\u${c.codePointAt(0).toString(16).padStart(4, '0')}`)).join('');
  const found = [bytes, hex, hex.toUpperCase(), percent(true), percent(false), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), escaped, Buffer.from(secret, 'utf16le')];
  for (const shift of [0, 1, 2]) {
    for (const kind of ['base64', 'base64url']) {
      const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString(kind).replace(/=+$/, '');
      // The first and last characters depend on what stands around it.
      found.push(text.slice(Math.ceil((shift * 8) / 6), -2));
    }
  }
  return found.map((form) => Buffer.from(form));
}

/** Where a secret stands in some bytes, as names of forms. */
export function hits(bytes, secrets) {
  return secrets.flatMap((secret) => forms(secret).filter((form) => bytes.includes(form)).map((form) => `${secret} as ${form}`));
}

/** Every file below a folder that holds one of the secrets, and how many bytes were looked at. */
export function searchFolder(folder, secrets, leftOut = () => false) {
  const found = [];
  let looked = 0;
  const walk = (path) => {
    for (const name of existsSync(path) ? readdirSync(path) : []) {
      const file = join(path, name);
      const kind = lstatSync(file, { throwIfNoEntry: false });
      if (kind?.isDirectory()) walk(file);
      else if (kind?.isFile() && !leftOut(file)) {
        const bytes = readFileSync(file);
        looked += bytes.length;
        found.push(...hits(bytes, secrets).map((hit) => `${file}: ${hit}`));
      }
    }
  };
  walk(folder);
  return { found, looked };
}
