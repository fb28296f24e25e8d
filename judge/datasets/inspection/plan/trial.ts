/** What ingestion makes of the sampled rows: the same mapping and checks, without the bytes of pictures. */
import { sha256 } from '../../../../core/json.ts';
import type { Recipe, RowsSpec } from '../../../../recipes/recipe.ts';
import type { Example } from '../../../example.ts';
import { checkExample } from '../../rows/check-example.ts';
import { taskSpecOf } from '../../check-recipe.ts';
import { keyField } from '../../readers/row.ts';
import { UnusableRow } from '../../reading.ts';
import { type Row, valueAt } from '../../rows/jsonl-row.ts';
import { groupedVotesField } from '../../rows/row-votes.ts';
import { outcomesOfRow, type RowImages, rowMapping } from '../../rows/row-example.ts';
import type { FieldImage } from '../../rows/row-images.ts';
import { placeInside, type SourceFiles } from '../../sources/source-files.ts';
import type { PictureLinks } from '../facts/picture-links.ts';
import type { TableFacts } from '../facts/table-facts.ts';
import { PictureMark, pictureNameOf } from '../facts/value-shape.ts';

export interface Trial {
  /** Examples and rows that make none; a row of a ranking makes several. */
  readonly triedCount: number;
  readonly examples: readonly Example[];
  readonly unusable: ReadonlyMap<string, number>;
  /** The first reason of each code. */
  readonly reasons: ReadonlyMap<string, string>;
}

export async function tryRows(
  recipe: Pick<Recipe, 'tasks' | 'modeWords'>,
  spec: RowsSpec,
  { sample, links }: Pick<TableFacts, 'sample' | 'links'>,
  files: SourceFiles,
): Promise<Trial> {
  const task = taskSpecOf(recipe, spec.task, 'task');
  const mapping = rowMapping(spec, task);
  const rowImages = existingImages(spec, links, files);
  const unusable = new Map<string, number>();
  const reasons = new Map<string, string>();
  const examples: Example[] = [];
  let triedCount = 0;
  for (const [i, row] of sample.entries()) {
    const values = { ...row, [keyField]: String(i), ...ownVote(row, spec) };
    for (const outcome of await outcomesOfRow(() => values, mapping, rowImages)) {
      triedCount++;
      const problem =
        outcome instanceof UnusableRow
          ? outcome
          : problemOf(() => {
              checkExample(outcome, task, recipe.modeWords);
            });
      if (problem === undefined) {
        if (!(outcome instanceof UnusableRow)) examples.push(outcome);
        continue;
      }
      unusable.set(problem.code, (unusable.get(problem.code) ?? 0) + 1);
      if (!reasons.has(problem.code)) reasons.set(problem.code, problem.message);
    }
  }
  return { triedCount, examples, unusable, reasons };
}

/** Sampled rows are not adjacent: each is tried as an item with one vote. */
function ownVote(row: Row, { fields: { votes } }: RowsSpec): Row {
  return typeof votes === 'object' && 'rows' in votes ? { [groupedVotesField]: [valueAt(row, votes.rows)] } : {};
}

function problemOf(check: () => void): UnusableRow | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof UnusableRow) return error;
    throw error;
  }
}

/** Pictures that are tied together have one digest; a picture that a row names must be in the folder. */
function existingImages({ imageFolder }: RowsSpec, links: PictureLinks, files: SourceFiles): RowImages {
  const digestOf = async ({ field, value }: FieldImage, i: number): Promise<string> => {
    if (value === undefined || value === null) throw new UnusableRow('FIELD_MISSING', `the row has no ${field}`);
    if (value instanceof PictureMark) return value.sha256;
    const name = pictureNameOf(value);
    if (name === undefined) return sha256(`${field} ${i}`);
    const place = imageFolder === undefined ? undefined : placeInside(imageFolder, name);
    const file = place === undefined ? undefined : await files.find(place);
    if (file === undefined) throw new UnusableRow('IMAGE_MISSING', `${name} does not exist`);
    return sha256(links.groupOf(name));
  };
  return {
    take: (images) => Promise.all(images.map(digestOf)),
    framesIn: async (folder) => {
      const place = imageFolder === undefined ? undefined : placeInside(imageFolder, folder);
      if (place === undefined || (await files.kindOf(place)) !== 'folder')
        throw new UnusableRow('IMAGE_MISSING', `the folder ${folder} does not exist`);
      return [{ field: folder, value: new PictureMark(sha256(folder)) }];
    },
  };
}

/** Share of the rows that a recipe must allow for: what was found, and what chance adds to it. */
export function quarantineRate({ triedCount, unusable }: Trial): number {
  const count = [...unusable].filter(([code]) => code !== 'LEFT_OUT').reduce((sum, [, each]) => sum + each, 0);
  if (count === 0 || triedCount === 0) return 0;
  const rate = count / triedCount;
  return rate + 4 * Math.sqrt((rate * (1 - rate)) / triedCount);
}
