/** SmolLM2-135M from its GGUF file (4-bit weights) computes what transformers computes with the same weights. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { openForm } from '../../policy/checkpoints/form.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { loadProcessor } from '../../policy/processor.ts';
import { needRealText, needTransformers } from '../support/needs.ts';
import { transformersLogits } from '../support/transformers-logits.ts';

const { found: data, isMissing } = await needRealText();
const { found: python, isMissing: isPythonMissing } = needTransformers();
const folder = mkdtempSync(join(tmpdir(), 'mtrl-smollm2-'));
const engine = new EmbeddedEngine({ threadCount: 1 });
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

test.skipIf(isMissing || isPythonMissing)('log-probs of an answer, and its greedy tokens', async () => {
  const form = required(await openForm(join(required(data, 'data'), 'model.gguf')), 'a GGUF file');
  expect(form.description).toMatchObject({ architecture: 'llama', tensors: '1 Q8_0 + 210 Q4_1 + 61 F32' });
  await form.writeFolder(folder);
  const { parameterCount } = await engine.loadCheckpoint(folder);
  expect(parameterCount).toBe(134_515_008);
  const processor = await loadProcessor(folder);
  const question = 'Is the word "wonderful" positive or negative? Answer with one word.';
  const prompt = await processor.encodePrompt([{ role: 'user', content: [{ type: 'text', text: question }] }], []);
  const answer = processor.encodeCompletion(' The word is positive, ½ of 12.');
  const { stopTokenId, padTokenId } = processor;
  const group = { prompt, completions: [{ tokenIds: answer, tokenWeight: 1 }] };
  const tokens = { stopTokenId, padTokenId, bannedTokenIds: [] };
  const [found] = await engine.forward({ groups: [group], temperature: 1, tokens, weights: 'current' });

  // One row of logits predicts each token of the answer, and one more would predict the next.
  const request = { folder, rowCount: answer.length + 1 };
  const whole = { ...prompt, tokenIds: [...prompt.tokenIds, ...answer] };
  const [theirs] = transformersLogits(required(python, 'python'), [{ ...request, prompt: whole }]);
  const logits = required(theirs, 'an answer').logits;
  const vocabularySize = logits.length / request.rowCount;
  const expected = answer.map((id, i) => {
    const row = logits.slice(i * vocabularySize, (i + 1) * vocabularySize);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    return required(row[id], 'a logit') - largest - Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
  });
  const differences = required(found?.[0], 'log-probs').map((value, i) =>
    Math.abs(value - required(expected[i], 'one')),
  );
  expect(Math.max(...differences)).toBeLessThan(2e-4);

  const { groups } = await engine.sample({
    ...{ prompts: [prompt], groupSize: 1, tokens, seed: 0, step: 0, promptOffset: 0 },
    sampling: { temperature: 1, greedy: true, tokenCountMax: 1 },
    promptTokenCountMax: prompt.tokenIds.length,
  });
  const first = logits.slice(0, vocabularySize);
  expect(groups[0]?.[0]?.tokenIds).toEqual([first.indexOf(first.reduce((a, b) => Math.max(a, b), -Infinity))]);
});
