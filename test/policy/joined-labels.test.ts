/** Requests for probabilities of labels that are computed together get the bits that each gets alone. */
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../core/project.ts';
import { Rng } from '../../core/rng.ts';
import type { EncodedPrompt, LabelledPrompt } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { labelGroups } from '../../policy/engines/label-groups.ts';
import { joinBatches } from '../../policy/engines/embedded/packing/join-batches.ts';
import { loadProcessor } from '../../policy/processor.ts';

const folder = join(projectRoot, 'recipes', 'demo-base');
const processor = await loadProcessor(folder);
const { stopTokenId, padTokenId, bannedTokenIds } = processor;
const common = { temperature: 1, tokens: { stopTokenId, padTokenId, bannedTokenIds } };
const rng = new Rng('joined-labels', 0);
const labels = [
  [20, stopTokenId],
  [21, stopTokenId],
  [22, 23, stopTokenId],
];

/** Some with a picture, of one size or another. */
async function prompt(): Promise<EncodedPrompt> {
  const text = { type: 'text' as const, text: Array(rng.integer(3, 9)).fill('picture').join(' ') };
  if (rng.integer(0, 4) === 0) return processor.encodePrompt([{ role: 'user', content: [text] }], []);
  const [width, height] = rng.integer(0, 3) === 0 ? [32, 24] : [32, 32];
  const pixels = Uint8Array.from({ length: 3 * width * height }, () => rng.integer(0, 256));
  const picture = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return processor.encodePrompt([{ role: 'user', content: [{ type: 'image' }, text] }], [picture]);
}

/** Each with one to three prompts, and two or three labels. */
const requests: LabelledPrompt[][] = [];
for (let i = 0; i < 40; i++) {
  const completions = labels.slice(0, rng.integer(2, 4));
  const prompts: EncodedPrompt[] = [];
  for (let count = rng.integer(1, 4); count > 0; count--) prompts.push(await prompt());
  requests.push(prompts.map((each) => ({ prompt: each, completions })));
}

describe.each([1, 2])('engine of %d threads', (threadCount) => {
  const engine = new EmbeddedEngine({ threadCount });
  afterAll(() => engine.close());

  test('gives the bits that each request gets alone', async () => {
    await engine.loadCheckpoint(folder);
    const alone: number[][] = [];
    for (const prompts of requests) alone.push(...(await engine.labelLogProbs({ prompts, ...common })));
    const promptCounts = requests.map(({ length }) => length);
    const together = await engine.labelLogProbs({ prompts: requests.flat(), promptCounts, ...common });
    expect(together).toEqual(alone);
  });
});

describe('micro-batches', () => {
  const groups = labelGroups(requests.flat());
  let from = 0;
  const batches = requests.map(({ length }) => Array.from({ length }, () => from++));
  const groupsOf = (indices: readonly number[]) =>
    indices.map((i) => groups[i] ?? { prompt: { tokenIds: [], images: [] }, completions: [] });

  test('of equal sizes are joined, in order and each once', () => {
    const joined = joinBatches(batches, { groupsOf, countMaxOf: () => Infinity, fits: () => true });
    expect(joined.length).toBeLessThan(batches.length);
    expect([...joined.flat()].sort((a, b) => a - b)).toEqual(batches.flat());
  });

  test.each([
    ['call', { countMaxOf: () => 4, fits: () => true }],
    ['memory', { countMaxOf: () => Infinity, fits: (indices: readonly number[]) => indices.length <= 4 }],
  ])('are joined only as long as they fit into the %s', (_, limits) => {
    const joined = joinBatches(batches, { groupsOf, ...limits });
    expect(Math.max(...joined.map(({ length }) => length))).toBe(4);
    expect([...joined.flat()].sort((a, b) => a - b)).toEqual(batches.flat());
  });
});
