/** Recognises the small text file that Git LFS leaves where a large file was not downloaded. */

/** Whether the text, or the first bytes of a file, are those of a pointer: `version`, the address of the format, lines. */
export function isLfsPointer(start: string): boolean {
  return /^version \S+git-lfs/.test(start);
}

/** What to do about a pointer. */
export const lfsHint = 'run `git lfs pull` in the repository, or download the file again: this one only points to it';
