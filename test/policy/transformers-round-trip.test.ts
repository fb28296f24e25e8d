/** A saved checkpoint opens in transformers and computes the same there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import type { EncodedPrompt } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { cases, largestDifference, promptsOf } from '../support/idefics3-fixture.ts';
import { qwen3VlPrompts } from '../support/qwen3-vl-fixture.ts';
import { needTransformers } from '../support/needs.ts';
import { transformersLogits } from '../support/transformers-logits.ts';

const { found: python, isMissing } = needTransformers();

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const textPrompt: EncodedPrompt = { tokenIds: [1, 40, 41, 90, 12, 200, 77, 5, 9, 9, 31, 2], images: [] };
const twoImages = required(promptsOf(required(cases.cases['two-images'], 'case'))[0], 'prompt');
const imagePrompt: EncodedPrompt = { ...twoImages, tokenIds: [...twoImages.tokenIds, 11, 17, 30, 2] };
const patchImages = required((await qwen3VlPrompts('untied'))[1], 'prompt');
const patchPrompt: EncodedPrompt = { ...patchImages, tokenIds: [...patchImages.tokenIds, 11, 17, 30, 2] };
const models: readonly (readonly [name: string, prompt: EncodedPrompt])[] = [
  ['text-models/llama3-scaled', textPrompt],
  ['text-models/llama-linear', textPrompt],
  ['text-models/qwen2', textPrompt],
  ['text-models/qwen3', textPrompt],
  ['smolvlm/model', textPrompt],
  ['idefics3/tied', imagePrompt],
  ['idefics3/untied-gqa', imagePrompt],
  ['qwen3-vl/untied', patchPrompt],
  ['qwen3-vl/tied', patchPrompt],
];
const rowCount = 4;
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-round-trip-'));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

test.skipIf(isMissing)('untrained weights give equal logits, trained ones our log-probs', async () => {
  const engine = new EmbeddedEngine({ threadCount: 1 });
  const tokens = { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [] };
  const requests = [];
  const ours: number[][] = [];
  for (const [name, prompt] of models) {
    // The prompt's own last tokens are the completion: their log-probs come from the preceding rows.
    const group = {
      prompt: { ...prompt, tokenIds: prompt.tokenIds.slice(0, -rowCount) },
      completions: [{ tokenIds: prompt.tokenIds.slice(-rowCount), tokenWeight: 0.25 }],
    };
    const untrained = mkdtempSync(join(scratch, 'untrained-'));
    const trained = mkdtempSync(join(scratch, 'trained-'));
    await engine.loadCheckpoint(fixture(name));
    await engine.saveState(untrained);
    await engine.forwardBackward({ groups: [group], loss: { name: 'cross_entropy' }, temperature: 1, tokens });
    await engine.optimStep({
      learningRate: 1e-2,
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: 0,
      gradientNormMax: 1,
    });
    await engine.saveState(trained);
    const [logProbs] = await engine.forward({ groups: [group], temperature: 1, tokens, weights: 'current' });
    ours.push([...required(logProbs?.[0], 'log-probs')]);
    const request = { prompt, rowCount: rowCount + 1 };
    requests.push(
      { ...request, folder: fixture(name), float32: true },
      { ...request, folder: untrained },
      { ...request, folder: trained },
    );
  }
  await engine.close();
  const answers = transformersLogits(required(python, 'python'), requests);
  for (const [i, [name, prompt]] of models.entries()) {
    const [original, untrained, trained] = answers.slice(3 * i, 3 * i + 3).map((answer) => required(answer, name));
    expect(untrained?.dtype, name).toBe('torch.float32');
    expect(untrained?.logits, name).toEqual(original?.logits);
    expect(largestDifference(trained?.logits ?? [], untrained?.logits ?? []), name).toBeGreaterThan(0.01);
    expect(largestDifference(logProbsOf(trained?.logits ?? [], prompt), required(ours[i], name)), name).toBeLessThan(
      2e-5,
    );
  }
});

/** Log-probs of the prompt's last tokens, each from the row before it. */
function logProbsOf(logits: readonly number[], { tokenIds }: EncodedPrompt): number[] {
  const vocabularySize = logits.length / (rowCount + 1);
  return tokenIds.slice(-rowCount).map((id, row) => {
    const line = logits.slice(row * vocabularySize, (row + 1) * vocabularySize);
    const top = Math.max(...line);
    return (line[id] ?? NaN) - top - Math.log(line.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
  });
}
