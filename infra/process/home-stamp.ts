/**
 * Identity of a stack's home folder: its path and its inode. A copy of the folder is another home, although the files
 * in it (ports, pid files) are the same; a folder that was moved is the same home.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';

/** `DEVICE:INODE PATH`. The folder must exist. */
export function stampOf(home: string): string {
  const { dev, ino } = statSync(home);
  return `${String(dev)}:${String(ino)} ${realpathSync(home)}`;
}

export function isStampOf(stamp: string, home: string): boolean {
  if (!existsSync(home)) return false;
  const own = stampOf(home);
  const [inode, path] = split(stamp);
  const [ownInode, ownPath] = split(own);
  return path === ownPath || (inode === ownInode && !existsSync(path));
}

/** The path in the stamp. */
export function pathOfStamp(stamp: string): string {
  return split(stamp)[1];
}

function split(stamp: string): [inode: string, path: string] {
  const space = stamp.indexOf(' ');
  return [stamp.slice(0, space), stamp.slice(space + 1)];
}
