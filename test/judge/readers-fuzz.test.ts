/**
 * Files with mutated bytes, over all readers: every row is an example or quarantined, or the file is refused with a
 * code.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { rowCountIn } from '../support/row-count.ts';
import { datasetOf, type SourceFixture, sourceFixtures, task, writePictures } from '../support/source-fixtures.ts';
import { recipeOf } from './recipes.ts';

const mutationCount = 2000;
const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-fuzz-'));
let fixtures: SourceFixture[] = [];

beforeAll(async () => {
  await writePictures(folder);
  fixtures = await sourceFixtures();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Applies one to three changes: a byte set; a piece cut out, doubled, moved or zeroed; rarely the end cut off. */
function mutated(bytes: Uint8Array, rng: Rng): Uint8Array {
  let result: Buffer = Buffer.from(bytes);
  for (let change = rng.integer(1, 4); change > 0; change--) {
    if (result.byteLength < 2) return result;
    const start = rng.integer(0, result.byteLength);
    const end = Math.min(result.byteLength, start + rng.integer(1, 40));
    const [before, piece, after] = [result.subarray(0, start), result.subarray(start, end), result.subarray(end)];
    const set = (): Buffer => Buffer.concat([before, Buffer.from([rng.integer(0, 256)]), result.subarray(start + 1)]);
    result = rng.pick([
      ...[set, set, set, set],
      () => Buffer.concat([before, after]),
      () => Buffer.concat([before, piece, piece, after]),
      () => Buffer.concat([before, after, piece]),
      () => Buffer.concat([before, Buffer.alloc(piece.byteLength), after]),
      () => (rng.chance(0.2) ? Buffer.from(before) : set()),
    ])();
  }
  return result;
}

type Outcome = 'all examples' | 'some quarantined' | 'refused';

/** Rethrows errors without a code: they are crashes. */
async function outcomeOf(fixture: SourceFixture, bytes: Uint8Array): Promise<Outcome> {
  writeFileSync(path.join(folder, fixture.name), bytes);
  const dataset = datasetOf(fixture, folder);
  const recipe = recipeOf({ tasks: { holds: task }, datasets: [dataset], quarantineRateMax: 1 });
  let quarantinedCount = 0;
  let exampleCount = 0;
  try {
    const sink = {
      image: () => undefined,
      quarantined: () => {
        quarantinedCount++;
      },
    };
    exampleCount = (await ingestDatasets(recipe, sink, () => undefined, localFiles)).examples.length;
  } catch (error) {
    if (!(error instanceof MtrlError)) throw error;
    if (error.code === 'FILE_UNREADABLE') return 'refused';
    expect(error.code).toBe('DATASET_EMPTY');
  }
  const rowCount = rowCountIn(fixture.reader, bytes);
  if (rowCount !== undefined) expect(exampleCount + quarantinedCount).toBe(rowCount);
  return quarantinedCount === 0 ? 'all examples' : 'some quarantined';
}

test(`${mutationCount} mutated files: no crash, no row lost`, async () => {
  const outcomes = new Map<Outcome, number>();
  let changedCount = 0;
  for (let i = 0; i < mutationCount; i++) {
    const rng = new Rng('fuzz', 0, i);
    const fixture = fixtures[i % fixtures.length];
    if (fixture === undefined) throw new Error('no fixtures');
    const bytes = mutated(fixture.bytes, rng);
    if (!Buffer.from(fixture.bytes).equals(bytes)) changedCount++;
    const outcome = await outcomeOf(fixture, bytes).catch((error: unknown) => {
      throw new Error(`change ${i} of ${fixture.name}`, { cause: error });
    });
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  // A byte may be set to its own value.
  expect(changedCount).toBeGreaterThan(0.95 * mutationCount);
  // Each outcome occurs many times: the mutations are neither harmless nor always fatal.
  for (const outcome of ['all examples', 'some quarantined', 'refused'] as const) {
    expect(outcomes.get(outcome), outcome).toBeGreaterThan(mutationCount / 50);
  }
});

test('mutated pictures in a folder of classes: each is an example or quarantined', async () => {
  const classes = path.join(folder, 'classes');
  const noise = Uint8Array.from({ length: 24 * 24 * 3 }, (_, i) => (i * 7919) % 251);
  const whole = await sharp(noise, { raw: { width: 24, height: 24, channels: 3 } })
    .jpeg()
    .toBuffer();
  const fields = { id: '__key__', label: 'class', images: ['image'] };
  const dataset = { reader: 'folder', task: 'holds', split: 'test', path: classes, fields } as const;
  const pointwise = { ...task, prompt: '<image> {{ mode_word }}' };
  const recipe = recipeOf({ tasks: { holds: pointwise }, datasets: [dataset], quarantineRateMax: 1 });
  let refusedCount = 0;
  const changeCount = 300;
  for (let i = 0; i < changeCount; i++) {
    writeFileSync(path.join(classes, 'yes/a.png'), mutated(whole, new Rng('fuzz of pictures', i)));
    const { examples, quarantined } = await ingestDatasets(recipe, { image: () => undefined });
    expect(examples.length + quarantined.length, `change ${i}`).toBe(3);
    if (quarantined.length > 0) refusedCount++;
  }
  expect(refusedCount).toBeGreaterThan(changeCount / 20);
  expect(refusedCount).toBeLessThan(changeCount);
});
