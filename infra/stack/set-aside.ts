/** Moves the data of a local server aside, so that it starts with empty data. Nothing is deleted. */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { endDaemon, livingDaemon } from '../process/daemon.ts';
import { endStrays } from '../process/strays.ts';
import type { Log } from './server.ts';

export const setAsideNames = ['temporal', 'minio'] as const;
export type SetAsideName = (typeof setAsideNames)[number];

const graceMs = 5_000;

/** Stops the server first. The data is moved to `HOME/set-aside/NAME-N`. */
export async function setAside(home: string, name: SetAsideName, log: Log): Promise<void> {
  const living = livingDaemon(home, name);
  if (living) await endDaemon(home, living, graceMs);
  await endStrays(home, name, graceMs);
  const names = name === 'minio' ? ['minio'] : readdirSync(home).filter((entry) => /^temporal\.db(-|$)/.test(entry));
  const present = names.filter((entry) => existsSync(join(home, entry)));
  if (present.length === 0) {
    log(`${name} has no data to set aside`);
    return;
  }
  const folder = freeFolder(home, name);
  for (const entry of present) renameSync(join(home, entry), join(folder, entry));
  log(`${name}: data moved to ${folder}`);
}

function freeFolder(home: string, name: string): string {
  let count = 1;
  while (existsSync(join(home, 'set-aside', `${name}-${String(count)}`))) count += 1;
  const folder = join(home, 'set-aside', `${name}-${String(count)}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}
