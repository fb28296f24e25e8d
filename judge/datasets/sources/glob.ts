/** Resolves a recipe's path to files: one, or those that match a pattern. */
import picomatch from 'picomatch';
import { MtrlError } from '../../../core/errors.ts';
import type { SourceFile, SourceFiles } from './source-files.ts';

const magic = /[*?{]/;

/** Characters that are literal in these patterns, as they occur in file names. */
const literal = /[\\()[\]!+@|^$]/g;

/** `*` and `?` match within a name, `**` across folders, `{a,b}` either of them; a comma outside braces is literal. */
function globPattern(glob: string): (name: string) => boolean {
  return picomatch(glob.replace(literal, '\\$&'), { dot: true, flags: 's' });
}

/** Whether a recipe's path names this file: as it is, or by a pattern. */
export function matchesGlob(place: string, file: string): boolean {
  return place === file || (isGlob(place) && globPattern(place)(file));
}

/** The folder that contains every match: the path before the first pattern character. */
function globFolder(glob: string): string {
  return glob.slice(0, Math.max(1, glob.slice(0, glob.search(magic)).lastIndexOf('/')));
}

function isGlob(place: string): boolean {
  return magic.test(place);
}

function missing(where: string, what: string, found: string): MtrlError {
  return new MtrlError('FILE_MISSING', `there is no ${what} ${where}`, {
    where,
    found,
    hint: 'paths in a recipe are relative to the recipe file',
  });
}

/** FILE_MISSING unless the place exists and is of that kind. */
export async function requireKind(files: SourceFiles, place: string, kind: 'file' | 'folder'): Promise<void> {
  const found = await files.kindOf(place);
  if (found !== kind) throw missing(place, kind, found === 'nothing' ? found : `a ${found}`);
}

/** The file, or the files that match, in order of name. FILE_MISSING if there are none. */
export async function* filesNamed(files: SourceFiles, place: string): AsyncGenerator<SourceFile> {
  const one = await files.find(place);
  if (one !== undefined) {
    yield one;
    return;
  }
  if (!isGlob(place)) return requireKind(files, place, 'file');
  const fits = globPattern(place);
  let count = 0;
  for await (const file of (await files.kindOf(globFolder(place))) === 'folder' ? files.list(globFolder(place)) : []) {
    if (!fits(file.name)) continue;
    count++;
    yield file;
  }
  if (count === 0) throw missing(place, 'file that fits', 'nothing');
}
