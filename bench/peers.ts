/** `npm run bench -- peers`: creates the Python environment for the peers of other benches in the user's cache. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MtrlError } from '../core/errors.ts';
import { completeName, peerEnvironment, peerFile } from './python-peer.ts';

export function bench(log: (line: string) => void) {
  const folder = peerEnvironment();
  const python = join(folder, 'bin', 'python');
  const isThere = existsSync(join(folder, completeName));
  if (!isThere) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    run('python3', ['-m', 'venv', folder], log);
    run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', peerFile('requirements.txt')], log);
    writeFileSync(join(folder, completeName), '');
  }
  return Promise.resolve({ python, wasThere: isThere });
}

function run(command: string, args: readonly string[], log: (line: string) => void): void {
  log([command, ...args].join(' '));
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  throw new MtrlError('SETUP_FAILED', `${command} ended with ${String(status)}`, {
    found: error?.message ?? args.join(' '),
    hint: 'Python 3.11 or newer with venv and pip is needed',
  });
}
