/**
 * Prompts that are asked batch by batch. Padding depends on all of them, so each is encoded once up front to measure
 * its tokens and image sizes. Encoded prompts are kept up to a byte limit; the others are encoded again for their
 * batch. Pixels are computed later, at each engine call that needs them (DeferredPrompt).
 */
import pMap from 'p-map';
import type { ImageSize, Prompt, SampleRequest } from '../../../policy/engine.ts';

type Sizes = Pick<SampleRequest, 'promptTokenCountMax' | 'imagePixelCountMax'>;

export interface PromptSeries {
  readonly sizes: Sizes;
  /** Ranges [from, to), one per engine request: at most `countMax` prompts, fewer if they are large. */
  batches(countMax: number): readonly (readonly [number, number])[];
  /** Prompts [from, to). */
  slice(from: number, to: number): Promise<readonly Prompt[]>;
}

const keptByteLengthDefault = 128 << 20;
/** Limit of one request: its tokens and the pixels that are already computed. */
const batchByteLengthMax = 512 << 20;
const encodingCountMax = 8;

export async function promptSeries<T>(
  items: readonly T[],
  encode: (item: T) => Promise<Prompt>,
  keptByteLengthMax = keptByteLengthDefault,
): Promise<PromptSeries> {
  const kept = new Map<T, Prompt>();
  let keptByteLength = 0;
  const measured = await pMap(
    items,
    async (item) => {
      const prompt = await encode(item);
      const byteLength = byteLengthOf(prompt);
      keptByteLength += byteLength;
      if (keptByteLength <= keptByteLengthMax) kept.set(item, prompt);
      return { byteLength, ...largestOf([prompt]) };
    },
    { concurrency: encodingCountMax },
  );
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
      pMap(items.slice(from, to), async (item) => kept.get(item) ?? (await encode(item)), {
        concurrency: encodingCountMax,
      }),
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

/** Padding sizes shared by all parts of a request, so that splitting it does not change results. */
function largestOf(prompts: readonly Prompt[]): Sizes {
  return {
    promptTokenCountMax: largest(prompts.map(({ tokenIds }) => tokenIds.length)),
    imagePixelCountMax: largest(
      prompts.flatMap(({ images }) => images.map(({ height, width }: ImageSize) => height * width)),
    ),
  };
}

/** Bytes that a prompt holds in memory: its tokens, and its pixels unless deferred. */
export function byteLengthOf(prompt: Prompt): number {
  const tokens = prompt.tokenIds.length * 8;
  return 'pixels' in prompt ? tokens : prompt.images.reduce((sum, { data }) => sum + data.byteLength, tokens);
}

function largest(sizes: readonly number[]): number {
  return sizes.reduce((max, size) => Math.max(max, size), 0);
}
