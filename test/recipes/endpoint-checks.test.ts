import { expect, it } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import { parseRecipe } from '../../recipes/load.ts';

const endpoint = 'https://api.example.com/v1';
const asking = (policy: object = {}) => ({
  objective: 'none',
  mode: 'direct',
  policy: { endpoint, model: 'm', ...policy },
});
const recipe = (changes: object = {}) => ({
  name: 'asking',
  tasks: { t: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image>' } },
  datasets: [{ reader: 'jsonl', task: 't', split: { train: 0.5, test: 0.5, seed: 0 }, path: 'a.jsonl', fields: {} }],
  arms: { theirs: asking() },
  ...changes,
});
const policy = { checkpoint: 'base' };
const sft = { objective: 'sft', mode: 'direct', stepCount: 2, optimizer: { learningRate: 1e-4 } };

function said(changes: object): string {
  try {
    parseRecipe(recipe(changes));
    return 'accepted';
  } catch (error) {
    if (error instanceof MtrlError) return error.message;
    throw error;
  }
}

it('needs no policy of its own if every arm asks an endpoint', () => {
  expect(said({})).toBe('accepted');
  expect(said({ arms: { theirs: asking(), sft } })).toContain(
    'policy: found nothing; allowed: a checkpoint or a config',
  );
  expect(said({ policy, arms: { theirs: asking(), sft } })).toBe('accepted');
});

it.each([
  ['an arm that trains', { policy, arms: { sft: { ...sft, policy: { endpoint, model: 'm' } } } }, 'arms.sft.policy'],
  [
    'an arm that starts from another',
    { policy, arms: { theirs: { ...asking(), from: 'sft' }, sft } },
    'arms.theirs.from',
  ],
  [
    'an arm that others start from',
    { policy, arms: { theirs: asking(), sft: { ...sft, from: 'theirs' } } },
    'arms.sft.from',
  ],
  ['a promotion', { promotion: { name: 'judge', arm: 'theirs' } }, 'promotion.arm'],
  [
    'samples of the k likeliest tokens',
    { evaluation: { sampleCount: 2, sampleTopK: 5 } },
    'evaluation.sampleTopK: found 5',
  ],
  [
    'a password in the address',
    { arms: { a: asking({ endpoint: 'https://me:secret@api.example.com/v1' }) } },
    'arms.a.policy.endpoint',
  ],
  ['a key in the address', { arms: { a: asking({ endpoint: `${endpoint}?key=secret` }) } }, 'keyVariable'],
  ['a file as address', { arms: { a: asking({ endpoint: 'file:///etc/passwd' }) } }, 'arms.a.policy.endpoint'],
  [
    'a variable that is no key',
    { arms: { a: asking({ keyVariable: 'AWS_SECRET_ACCESS_KEY' }) } },
    'arms.a.policy.keyVariable',
  ],
  ['a key itself', { arms: { a: asking({ key: 'sk-1' }) } }, 'arms.a.policy.key'],
  ['a ceiling without prices', { arms: { a: asking({ cost: { costMax: 1 } }) } }, 'arms.a.policy.cost.promptPrice'],
  [
    'a ceiling of nothing',
    { arms: { a: asking({ cost: { promptPrice: 1, completionPrice: 1, costMax: 0 } }) } },
    'costMax',
  ],
])('refuses an endpoint with %s', (_, changes, message) => {
  expect(said(changes)).toContain(message);
});
