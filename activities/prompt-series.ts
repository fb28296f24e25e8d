/**
 * Prompts that are asked one batch after the other. What each batch is padded to depends on all of them, so all are
 * encoded once to be measured. Their pixels are kept while they are few and made again when their batch comes: those of
 * a whole split may be more than memory (SmolVLM: 3 MB a tile, up to 17 tiles an image).
 */
import { mapBounded } from '../artifacts/bounded.ts';
import type { EncodedPrompt, SampleRequest } from '../policy/engine.ts';

type Sizes = Pick<SampleRequest, 'promptTokenCountMax' | 'imagePixelCountMax'>;

export interface PromptSeries {
  readonly sizes: Sizes;
  /** [from, to) of each request to an engine: so many prompts, or fewer where their pixels are many. */
  batches(countMax: number): readonly (readonly [number, number])[];
  /** Prompts [from, to). */
  slice(from: number, to: number): Promise<readonly EncodedPrompt[]>;
}

const keptByteLengthDefault = 128 << 20;
/** A request is in memory twice while it goes to the compute process, and one of 4 GiB cannot go there at all. */
const batchByteLengthMax = 512 << 20;
const encodingCountMax = 8;

export async function promptSeries<T>(
  items: readonly T[],
  encode: (item: T) => Promise<EncodedPrompt>,
  keptByteLengthMax = keptByteLengthDefault,
): Promise<PromptSeries> {
  const kept = new Map<T, EncodedPrompt>();
  let keptByteLength = 0;
  const measured = await mapBounded(encodingCountMax, items, async (item) => {
    const prompt = await encode(item);
    const byteLength = byteLengthOf(prompt);
    keptByteLength += byteLength;
    if (keptByteLength <= keptByteLengthMax) kept.set(item, prompt);
    return { byteLength, ...largestOf([prompt]) };
  });
  return {
    batches: (countMax) =>
      cut(
        measured.map(({ byteLength }) => byteLength),
        countMax,
      ),
    sizes: {
      promptTokenCountMax: largest(measured.map(({ promptTokenCountMax }) => promptTokenCountMax)),
      imagePixelCountMax: largest(measured.map(({ imagePixelCountMax = 0 }) => imagePixelCountMax)),
    },
    slice: (from, to) =>
      mapBounded(encodingCountMax, items.slice(from, to), async (item) => kept.get(item) ?? (await encode(item))),
  };
}

function cut(byteLengths: readonly number[], countMax: number): (readonly [number, number])[] {
  const found: [number, number][] = [];
  let sum = 0;
  for (const [i, byteLength] of byteLengths.entries()) {
    const last = found.at(-1);
    sum += byteLength;
    if (last !== undefined && i - last[0] < countMax && sum <= batchByteLengthMax) last[1] = i + 1;
    else {
      found.push([i, i + 1]);
      sum = byteLength;
    }
  }
  return found;
}

/** What prompts and images of any part of a request are padded to: so that its parts change no bit. */
export function largestOf(prompts: readonly EncodedPrompt[]): Sizes {
  return {
    promptTokenCountMax: largest(prompts.map(({ tokenIds }) => tokenIds.length)),
    imagePixelCountMax: largest(prompts.flatMap(({ images }) => images.map(({ height, width }) => height * width))),
  };
}

export function byteLengthOf({ tokenIds, images }: EncodedPrompt): number {
  return images.reduce((sum, { data }) => sum + data.byteLength, tokenIds.length * 8);
}

function largest(sizes: readonly number[]): number {
  return sizes.reduce((max, size) => Math.max(max, size), 0);
}
