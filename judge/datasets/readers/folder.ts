/** A folder of images with one subfolder per class. Hidden files are ignored; every other file is a row. */
import type { RowsSpec } from '../../../recipes/recipe.ts';
import { requireKind } from '../sources/glob.ts';
import type { SourceFiles } from '../sources/source-files.ts';
import { ImageFile, keyField, type RowOrBroken } from './row.ts';

/**
 * Yields rows with `image`, `path` and, for files in a subfolder, `class` (the first folder of the path). FILE_MISSING.
 */
export async function* readFolder(files: SourceFiles, spec: RowsSpec): AsyncGenerator<RowOrBroken> {
  await requireKind(files, spec.path, 'folder');
  const root = `${spec.path.replace(/\/+$/, '')}/`;
  let row = 0;
  for await (const file of files.list(spec.path)) {
    const inside = file.name.slice(root.length);
    const parts = inside.split('/');
    if (parts.some((part) => part.startsWith('.'))) continue;
    row++;
    const labelled = parts.length > 1 ? { class: parts[0] } : {};
    const values = { [keyField]: inside, path: inside, image: new ImageFile(file), ...labelled };
    yield { source: spec.path, row, values, text: () => inside };
  }
}
