/**
 * Prompts that are asked one batch after the other. What each batch is padded to depends on all of them, so all are
 * encoded once to be measured: their tokens and the sizes of their images. They are kept while they are few and encoded
 * again when their batch comes. Pixels are made later, for each call of an engine that needs them (DeferredPrompt).
 */
import pMap from 'p-map';
import type { ImageSize, Prompt, SampleRequest } from '../../policy/engine.ts';

type Sizes = Pick<SampleRequest, 'promptTokenCountMax' | 'imagePixelCountMax'>;

export interface PromptSeries {
  readonly sizes: Sizes;
  /** [from, to) of each request to an engine: so many prompts, or fewer where they are long. */
  batches(countMax: number): readonly (readonly [number, number])[];
  /** Prompts [from, to). */
  slice(from: number, to: number): Promise<readonly Prompt[]>;
}

const keptByteLengthDefault = 128 << 20;
/** Tokens and pixels at hand of one request. */
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

/** What prompts and images of any part of a request are padded to: so that its parts change no bit. */
function largestOf(prompts: readonly Prompt[]): Sizes {
  return {
    promptTokenCountMax: largest(prompts.map(({ tokenIds }) => tokenIds.length)),
    imagePixelCountMax: largest(
      prompts.flatMap(({ images }) => images.map(({ height, width }: ImageSize) => height * width)),
    ),
  };
}

/** Of what a prompt holds: its tokens, and pixels that are at hand. */
export function byteLengthOf(prompt: Prompt): number {
  const tokens = prompt.tokenIds.length * 8;
  return 'pixels' in prompt ? tokens : prompt.images.reduce((sum, { data }) => sum + data.byteLength, tokens);
}

function largest(sizes: readonly number[]): number {
  return sizes.reduce((max, size) => Math.max(max, size), 0);
}
