/** Where the pictures lie that rows name: the folder, among the usual ones beside the data, in which most are found. */
import { posix } from 'node:path';
import { placeInside, readBytes, type SourceFiles } from '../../sources/source-files.ts';
import { PictureSizes } from './picture-sizes.ts';

const triedNameMax = 40;
const usualNames = ['', 'images', 'image', 'imgs', 'img', 'pictures', 'photos', 'media', 'data', 'files'];

export interface PictureFolder {
  /** Undefined if no picture was found anywhere. */
  readonly folder: string | undefined;
  readonly foundCount: number;
  readonly triedCount: number;
  readonly sizes: PictureSizes;
}

/**
 * @param names of pictures, from a sample of rows
 * @param chosen the folder that the user names, which is then the only one
 */
export async function pictureFolder(
  files: SourceFiles,
  dataPath: string,
  names: readonly string[],
  chosen?: string,
): Promise<PictureFolder> {
  const tried = [...new Set(names)].slice(0, triedNameMax);
  let best: { readonly folder: string; readonly count: number } | undefined;
  for (const folder of chosen === undefined ? foldersBeside(dataPath) : [chosen]) {
    const count = (await foundIn(files, folder, tried)).length;
    if (count > (best?.count ?? 0)) best = { folder, count };
    if (count === tried.length && count > 0) break;
  }
  const sizes = new PictureSizes();
  if (best === undefined) return { folder: undefined, foundCount: 0, triedCount: tried.length, sizes };
  for (const file of await foundIn(files, best.folder, tried)) {
    if (sizes.isEnough) break;
    await sizes.add(await readBytes(file));
  }
  return { folder: best.folder, foundCount: best.count, triedCount: tried.length, sizes };
}

async function foundIn(files: SourceFiles, folder: string, names: readonly string[]) {
  const found = await Promise.all(
    names.map(async (name) => {
      const place = placeInside(folder, name);
      return place === undefined ? undefined : files.find(place);
    }),
  );
  return found.filter((file) => file !== undefined);
}

/** The data's own folder, the two above it, and folders of usual names in them. */
function foldersBeside(dataPath: string): string[] {
  const own = posix.dirname(dataPath);
  const stem = posix.basename(dataPath).split('.')[0] ?? '';
  const above = [own, posix.dirname(own), posix.dirname(posix.dirname(own))].filter((folder) => folder.length > 1);
  return [...new Set(above.flatMap((folder) => [...usualNames, stem].map((name) => posix.join(folder, name))))];
}
