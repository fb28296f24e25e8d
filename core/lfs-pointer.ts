/** Git LFS leaves a small text file where a large file was not downloaded. */
import { MtrlError } from './errors.ts';

/**
 * Throws CHECKPOINT_INVALID if the text, or the start of a file, is that of a pointer: `version`, the address of the
 * format, lines.
 * @param what names the file in the message
 */
export function refuseLfsPointer(start: string, what: string, where: string): void {
  if (!/^version \S+git-lfs/.test(start)) return;
  throw new MtrlError('CHECKPOINT_INVALID', `${what} is a Git LFS pointer and not the file itself`, {
    where,
    hint: 'run `git lfs pull` in the repository, or download the file again: this one only points to it',
  });
}
