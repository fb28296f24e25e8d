/**
 * Reads a dataset of rows: its files in order of name, each by the reader of its format, with every row mapped to
 * examples.
 */
import { required } from '../../core/assert.ts';
import type { RowsSpec, TaskSpec } from '../../recipes/recipe.ts';
import { requireKind } from './sources/glob.ts';
import { ImageFolder } from './sources/image-folder.ts';
import { inOrder } from './joining/in-order.ts';
import type { Row as Values } from './rows/jsonl-row.ts';
import type { RowOrBroken } from './readers/row.ts';
import { readers } from './readers/table.ts';
import { type Reading, type StoredImages, type TakenImage, UnusableRow } from './reading.ts';
import { outcomesOfRow, type RowImages, rowMapping, type RowMapping } from './rows/row-example.ts';
import { attributeFields } from './rows/row-attributes.ts';
import { framesIn, type ImageSource, takeImages } from './rows/row-images.ts';
import { voteRows } from './rows/vote-rows.ts';
import type { SourceFiles } from './sources/source-files.ts';

/** Rows whose images are decoded concurrently: enough for the threads of libvips, few enough for the memory. */
const rowCountInFlight = 16;

/** The readings of one row: one, or one for each row that its ranking expands to. */
async function readingsOf(row: RowOrBroken, mapping: RowMapping, source: ImageSource): Promise<readonly Reading[]> {
  const taken = new Map<string, TakenImage>();
  const rowImages: RowImages = {
    async take(found) {
      const images = await takeImages(found, source);
      for (const image of images)
        if (!taken.has(image.sha256) || image.bytes !== undefined) taken.set(image.sha256, image);
      return images.map(({ sha256 }) => sha256);
    },
    framesIn: (name) => framesIn(name, source),
  };
  const read = (): Values => {
    if ('problem' in row) throw row.problem;
    return row.values;
  };
  const outcomes = await outcomesOfRow(read, mapping, rowImages);
  return outcomes.map((outcome): Reading => {
    const place = { source: row.source, row: row.row, text: row.text, outcome };
    if (outcome instanceof UnusableRow) return { ...place, images: [] };
    return { ...place, images: outcome.images.map((digest) => required(taken.get(digest), 'an image')) };
  });
}

/**
 * Yields the readings of each row, in the order of the files and their rows. PROMPT_INVALID for a rationale that is not
 * Jinja, FILE_MISSING for a missing file or folder, FILE_UNREADABLE for a file that is not in the declared format.
 */
export async function* readRows(
  spec: RowsSpec,
  task: TaskSpec,
  files: SourceFiles,
  stored: StoredImages,
): AsyncGenerator<readonly Reading[]> {
  const { imageFolder, imagePrefix: prefix, imageEdgeMax: edgeMax } = spec;
  if (imageFolder !== undefined) await requireKind(files, imageFolder, 'folder');
  const folder = imageFolder === undefined ? undefined : new ImageFolder(imageFolder, files, stored, edgeMax);
  const mapping = rowMapping(spec, task);
  const rows = readers[spec.reader](files, spec, attributeFields(task));
  yield* inOrder(voteRows(rows, spec), rowCountInFlight, (row) =>
    readingsOf(row, mapping, { folder, prefix, edgeMax }),
  );
}
