/** The judge world as a dataset: generates the examples and encodes their images as PNG. */
import sharp from 'sharp';
import { sha256 } from '../../core/json.ts';
import type { JudgeWorldSpec } from '../../recipes/recipe.ts';
import { generateWorldExamples, type WorldExample } from '../worlds/generate.ts';
import { pictureSize } from '../worlds/render.ts';
import type { Reading } from './reading.ts';

/** Examples whose images are encoded concurrently; more than the threads of libvips would only cost memory. */
const exampleCountPerBatch = 32;

/**
 * Encodes losslessly; at 32x32, adaptive filters and a higher compression level cost more time than the bytes are
 * worth.
 */
async function encodePng(pixels: Uint8Array): Promise<Uint8Array> {
  const raw = { width: pictureSize, height: pictureSize, channels: 3 } as const;
  return sharp(pixels, { raw }).png({ compressionLevel: 1, adaptiveFiltering: false }).toBuffer();
}

async function readingOf({ example, pixels }: WorldExample, row: number, hasReason: boolean): Promise<Reading> {
  const encoded = await Promise.all(pixels.map(encodePng));
  const images = encoded.map((bytes) => ({ sha256: sha256(bytes), bytes }));
  const source = `judge-world/${example.task}/${example.split}`;
  const { rationale, ...rest } = example;
  const outcome = { ...rest, images: images.map((image) => image.sha256), ...(hasReason && { rationale }) };
  return { source, row, text: () => example.id, outcome, images };
}

/**
 * Yields batches of readings, task by task; none of them is unusable. Reasons of the world have no sections, so they are
 * left out for tasks for which `hasReasons` returns false. RECIPE_INVALID for a task that the world does not
 * have.
 */
export async function* readWorld(
  spec: JudgeWorldSpec,
  hasReasons: (task: string) => boolean = () => true,
): AsyncGenerator<readonly Reading[]> {
  let batch: Promise<Reading>[] = [];
  let drawnCount = 0;
  for (const drawn of generateWorldExamples(spec)) {
    batch.push(readingOf(drawn, drawnCount++ % spec.exampleCount, hasReasons(drawn.example.task)));
    if (batch.length < exampleCountPerBatch) continue;
    yield await Promise.all(batch);
    batch = [];
  }
  if (batch.length > 0) yield await Promise.all(batch);
}
