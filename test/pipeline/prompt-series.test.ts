import { expect, it } from 'vitest';
import { promptSeries } from '../../pipeline/asking/prompts/prompt-series.ts';
import type { EncodedPrompt } from '../../policy/engine.ts';

/** A prompt with as many tokens as its number, and an image of 100 pixels. */
function encodedOf(item: number): EncodedPrompt {
  const image = { data: new Float32Array(300), height: 10, width: 10 };
  return { tokenIds: Array.from({ length: item }, (_, i) => i), images: [image] };
}

function counted() {
  const seen = { calls: 0, open: 0, openMax: 0 };
  const encode = async (item: number): Promise<EncodedPrompt> => {
    seen.calls++;
    seen.openMax = Math.max(seen.openMax, ++seen.open);
    await new Promise((resolve) => setTimeout(resolve, 1));
    seen.open--;
    return encodedOf(item);
  };
  return { seen, encode };
}

const items = Array.from({ length: 40 }, (_, i) => i + 1);

it('gives every batch the sizes of all prompts, and its own prompts in order', async () => {
  const { encode } = counted();
  const series = await promptSeries(items, encode);
  expect(series.sizes).toEqual({ promptTokenCountMax: 40, imagePixelCountMax: 100 });
  expect(await series.slice(38, 40)).toEqual([encodedOf(39), encodedOf(40)]);
});

it('splits requests by the number of prompts, and by their pixels if they have many', async () => {
  const { encode } = counted();
  const small = await promptSeries(items, encode);
  expect(small.batches(16)).toEqual([
    [0, 16],
    [16, 32],
    [32, 40],
  ]);
  // 200 MB each: an array that is never written takes no memory.
  const data = new Float32Array(50 << 20);
  const large = await promptSeries([0, 1, 2, 3, 4], () =>
    Promise.resolve({ tokenIds: [1], images: [{ data, height: 10, width: 10 }] }),
  );
  expect(large.batches(64)).toEqual([
    [0, 2],
    [2, 4],
    [4, 5],
  ]);
  expect((await promptSeries([], encode)).batches(64)).toEqual([]);
});

it('encodes each prompt once if it fits into memory, else again, and never all at a time', async () => {
  const few = counted();
  const kept = await promptSeries(items, few.encode);
  await kept.slice(0, 40);
  expect(few.seen.calls).toBe(40);

  const many = counted();
  // Room for two of them.
  const dropped = await promptSeries(items, many.encode, 2 * 1300);
  expect(many.seen.openMax).toBeLessThan(10);
  const again = await dropped.slice(0, 10);
  expect(again).toEqual(items.slice(0, 10).map(encodedOf));
  expect(many.seen.calls).toBe(40 + 8);
});
