// Writes the manifest that installed programs ask for: node manifest.mjs VERSION FOLDER OWNER/REPOSITORY > latest.json
// FOLDER holds packages-linux, packages-windows and packages-macos with each package's signature beside it.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const [version, folder, repository] = process.argv.slice(2);

/** Which package updates which installation, by the end of its name. */
const PACKAGES = [
  ['linux', '.deb', ['linux-x86_64-deb']],
  ['linux', '.rpm', ['linux-x86_64-rpm']],
  ['linux', '.AppImage', ['linux-x86_64-appimage', 'linux-x86_64']],
  ['windows', '-setup.exe', ['windows-x86_64-nsis', 'windows-x86_64']],
  ['windows', '.msi', ['windows-x86_64-msi']],
  ['macos', '.app.tar.gz', ['darwin-aarch64', 'darwin-x86_64']],
];

const platforms = {};
for (const [system, ending, targets] of PACKAGES) {
  const of = join(folder, `packages-${system}`);
  const name = readdirSync(of).find((file) => file.endsWith(ending));
  if (!name) throw new Error(`there is no ${ending} in ${of}`);
  const signature = readFileSync(join(of, `${name}.sig`), 'utf8').trim();
  const url = `https://github.com/${repository}/releases/download/v${version}/${encodeURIComponent(name)}`;
  for (const target of targets) platforms[target] = { signature, url, size: statSync(join(of, name)).size };
}
process.stdout.write(`${JSON.stringify({ version, pub_date: new Date().toISOString(), platforms }, null, 2)}\n`);
