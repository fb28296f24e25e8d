/** Which files a recipe's path means: one, or those that fit a pattern. */
import { MtrlError } from '../../../core/errors.ts';
import type { SourceFile, SourceFiles } from './source-files.ts';

const magic = /[*?{]/;

const translations: readonly (readonly [RegExp, string])[] = [
  [/^\*\*\//, '(?:.*/)?'],
  [/^\*\*/, '.*'],
  [/^\*/, '[^/]*'],
  [/^\?/, '[^/]'],
  [/^\{/, '(?:'],
  [/^\}/, ')'],
  [/^,/, '|'],
];

/** `*` and `?` within a name, `**` over folders, `{a,b}` one of them; a comma outside braces is a comma. */
function globPattern(glob: string): RegExp {
  let pattern = '';
  let depth = 0;
  for (let rest = glob; rest !== '';) {
    const found = translations.find(([from]) => from.test(rest));
    const [text = ''] = found?.[0].exec(rest) ?? [rest.slice(0, 1)];
    const isBare = (text === ',' || text === '}') && depth === 0;
    if (text === '{') depth++;
    if (text === '}' && depth > 0) depth--;
    pattern += found === undefined || isBare ? text.replace(/[\\^$.*+?()[\]{}|]/, '\\$&') : found[1];
    rest = rest.slice(text.length);
  }
  return new RegExp(`^${pattern}${')'.repeat(depth)}$`, 's');
}

/** The folder that every match lies in: what comes before the first sign of a pattern. */
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

/** FILE_MISSING unless the place is there and of that kind. */
export async function requireKind(files: SourceFiles, place: string, kind: 'file' | 'folder'): Promise<void> {
  const found = await files.kindOf(place);
  if (found !== kind) throw missing(place, kind, found === 'nothing' ? found : `a ${found}`);
}

/** In order of name. FILE_MISSING when there are none. */
export async function* filesNamed(files: SourceFiles, place: string): AsyncGenerator<SourceFile> {
  const one = await files.find(place);
  if (one !== undefined) {
    yield one;
    return;
  }
  if (!isGlob(place)) return requireKind(files, place, 'file');
  const pattern = globPattern(place);
  let count = 0;
  for await (const file of (await files.kindOf(globFolder(place))) === 'folder' ? files.list(globFolder(place)) : []) {
    if (!pattern.test(file.name)) continue;
    count++;
    yield file;
  }
  if (count === 0) throw missing(place, 'file that fits', 'nothing');
}
