import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { forcedCompletion } from '../../pipeline/asking/forced-completion.ts';
import { loadProcessor } from '../../policy/processor.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const spec: TaskSpec = { kind: 'pointwise', labels: ['yes', 'no'], prompt: '', ood: false };

it('a rationale that spells a token that is never sampled does not fail an evaluation', async () => {
  const processor = await loadProcessor(path('../fixtures/smolvlm/model'));
  const completion = processor.encodeCompletion.bind(processor);
  const judgment = { ok: true, rationale: 'it says <image> here', verdict: 'yes' } as const;
  const tokenIds = forcedCompletion({ completion }, 'no', spec, 'think', judgment);
  expect(processor.decodeCompletion(tokenIds)).toBe('<think> it says <image> here </think> <answer> no </answer>');
});

it('a rationale that the tokenizer cannot encode is left out', async () => {
  const processor = await loadProcessor(path('../../recipes/demo-config'));
  const completion = processor.encodeCompletion.bind(processor);
  const judgment = { ok: true, rationale: 'it says <image> here', verdict: 'yes' } as const;
  const tokenIds = forcedCompletion({ completion }, 'no', spec, 'think', judgment);
  expect(processor.decodeCompletion(tokenIds)).toBe('<answer> no </answer>');
});
