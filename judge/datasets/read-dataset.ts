/** Reads one dataset: the outcome of every row as plain JSON, and the images as they are read. */
import type { DatasetSpec, Recipe } from '../../recipes/recipe.ts';
import type { Example } from '../example.ts';
import { checkExample } from './rows/check-example.ts';
import { taskSpecOf } from './check-recipe.ts';
import { inOrder } from './joining/in-order.ts';
import { perceptualHash, type PerceptualHash } from './joining/perceptual-hash.ts';
import { readRows } from './read-rows.ts';
import { readWorld } from './read-world.ts';
import { placeOf, type Reading, type RejectedRow, rejectedRow, type RowPlace, UnusableRow } from './reading.ts';
import type { SourceFiles } from './sources/source-files.ts';

export interface UsedRow {
  readonly example: Example;
  readonly place: RowPlace;
  /**
   * Perceptual hashes of the images that this row introduces, if the recipe asks for near duplicates. Images of one
   * colour have none.
   */
  readonly hashes?: Readonly<Record<string, PerceptualHash>>;
}

export type DatasetRow = UsedRow | { readonly rejected: RejectedRow };

/** Receives each distinct image once, in example order; the next image waits for it. */
export type TakeImage = (sha256: string, bytes: Uint8Array) => void | Promise<void>;

/** The parts of a recipe, besides the dataset's own entry, that its reading depends on. */
export type ReadingRecipe = Pick<Recipe, 'tasks' | 'modeWords' | 'leaks'>;

/** Batches of readings whose images are hashed concurrently. */
const readingCountInFlight = 4;

function problemOf(example: Example, recipe: ReadingRecipe): UnusableRow | undefined {
  try {
    checkExample(example, taskSpecOf(recipe, example.task, 'tasks'), recipe.modeWords);
    return undefined;
  } catch (error) {
    if (error instanceof UnusableRow) return error;
    throw error;
  }
}

/** A checked reading, with the hashes of its images if requested. */
interface Checked {
  readonly reading: Reading;
  readonly outcome: Example | UnusableRow;
  readonly hashes: ReadonlyMap<string, PerceptualHash>;
}

async function checked(reading: Reading, recipe: ReadingRecipe, stored: ReadonlySet<string>): Promise<Checked> {
  const { outcome: found, images } = reading;
  const outcome = found instanceof UnusableRow ? found : (problemOf(found, recipe) ?? found);
  const hashes = new Map<string, PerceptualHash>();
  if (outcome instanceof UnusableRow || recipe.leaks.distanceMax === undefined) return { reading, outcome, hashes };
  for (const { sha256, bytes } of images) {
    if (bytes === undefined || stored.has(sha256)) continue;
    const hash = await perceptualHash(bytes);
    if (hash !== undefined) hashes.set(sha256, hash);
  }
  return { reading, outcome, hashes };
}

/**
 * Yields the dataset's rows in batches, in the order of the files and their rows. `stored` holds the digests that
 * `take` has received, and grows. FILE_MISSING, FILE_UNREADABLE; PROMPT_INVALID for a rationale that is not Jinja.
 */
export async function* readDataset(
  recipe: ReadingRecipe,
  spec: DatasetSpec,
  files: SourceFiles,
  take: TakeImage,
  stored = new Set<string>(),
): AsyncGenerator<readonly DatasetRow[]> {
  const readings =
    spec.reader === 'judge-world'
      ? readWorld(spec, (task) => taskSpecOf(recipe, task, 'tasks').sections === undefined)
      : readRows(spec, taskSpecOf(recipe, spec.task, 'datasets'), files, stored);
  const checking = inOrder(readings, readingCountInFlight, (batch) =>
    Promise.all(batch.map((reading) => checked(reading, recipe, stored))),
  );
  for await (const batch of checking) {
    const rows: DatasetRow[] = [];
    for (const { reading, outcome, hashes } of batch) {
      if (outcome instanceof UnusableRow) {
        rows.push({ rejected: rejectedRow(placeOf(reading), outcome) });
        continue;
      }
      for (const { sha256, bytes } of reading.images) {
        if (bytes === undefined || stored.has(sha256)) continue;
        await take(sha256, bytes);
        stored.add(sha256);
      }
      rows.push({
        example: outcome,
        place: placeOf(reading),
        ...(hashes.size > 0 && { hashes: Object.fromEntries(hashes) }),
      });
    }
    yield rows;
  }
}
