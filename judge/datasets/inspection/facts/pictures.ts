/** The picture columns of a table, and whether their pictures are there. */
import { MtrlError } from '../../../../core/errors.ts';
import { valueAt } from '../../rows/jsonl-row.ts';
import type { SourceFiles } from '../../sources/source-files.ts';
import type { ColumnFacts } from './column-facts.ts';
import { pictureFolder, type PictureFolder } from './picture-folder.ts';
import type { TableFacts } from './table-facts.ts';
import { pictureNamesIn } from './value-shape.ts';

export interface Pictures {
  /** Columns whose pictures can be shown. */
  readonly shown: readonly ColumnFacts[];
  /** Columns that name pictures of which none was found. */
  readonly absent: readonly ColumnFacts[];
  /** Folder of the named pictures, if some were found. */
  readonly folder: string | undefined;
  /** Of the named pictures: how many were looked for, and how many were found. */
  readonly triedCount: number;
  readonly foundCount: number;
  /** Longest edge of the measured ones, in pixels; 0 if none could be measured. */
  readonly edgeMax: number;
  readonly measuredCount: number;
  readonly unreadableCount: number;
}

export function isPictureColumn({ shape, list }: ColumnFacts): boolean {
  return shape === 'picture' || (shape === 'list' && list?.elementShape === 'picture');
}

/**
 * @param chosen the folder that the user names
 * @throws FILE_MISSING if that is no folder
 */
export async function findPictures(files: SourceFiles, facts: TableFacts, chosen?: string): Promise<Pictures> {
  if (chosen !== undefined && (await files.kindOf(chosen)) !== 'folder')
    throw new MtrlError('FILE_MISSING', 'there is no such folder of pictures', { where: chosen });
  // Members of a column that is a picture itself, such as its path, are no columns of their own.
  const columns = facts.columns.filter(isPictureColumn);
  const named = columns.map((column) => ({ column, names: namesIn(facts, column.name) }));
  const all = interleaved(named.map(({ names }) => names));
  const place: PictureFolder | undefined =
    all.length === 0 ? undefined : await pictureFolder(files, facts.sources[0]?.path ?? '', all, chosen);
  const isThere = ({ names }: (typeof named)[number]): boolean => names.length === 0 || place?.folder !== undefined;
  return {
    shown: named.filter(isThere).map(({ column }) => column),
    absent: named.filter((each) => !isThere(each)).map(({ column }) => column),
    folder: place?.folder,
    triedCount: place?.triedCount ?? 0,
    foundCount: place?.foundCount ?? 0,
    edgeMax: Math.max(facts.sizes.edgeMax, place?.sizes.edgeMax ?? 0),
    measuredCount: facts.sizes.measuredCount + (place?.sizes.measuredCount ?? 0),
    unreadableCount: facts.sizes.unreadableCount + (place?.sizes.unreadableCount ?? 0),
  };
}

function namesIn({ sample }: TableFacts, column: string): string[] {
  return sample.flatMap((row) => pictureNamesIn(valueAt(row, column)));
}

/** Some of each: the first names of all columns, then the second ones. */
function interleaved(lists: readonly (readonly string[])[]): string[] {
  const length = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}
