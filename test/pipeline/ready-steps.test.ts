import { expect, it } from 'vitest';
import type { PromptedDataset } from '../../pipeline/asking/prompts/prompter.ts';
import type { JsonCache } from '../../pipeline/json-cache.ts';
import type { RlUpdate } from '../../pipeline/policies/step-record.ts';
import type { ReadyStep } from '../../pipeline/training/apply-update.ts';
import { readySteps } from '../../pipeline/training/updates/table.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';

const ref = (uri: string) => ({ uri, sha256: uri, byteLength: 1 }) as unknown as ArtifactRef;
const rollout = { tokenIds: [5, 1], logProbs: [-1, -1], finishReason: 'stop', text: '' };
/** Two prompts; the rollouts of the second one have equal rewards. */
const values = {
  shard: {
    prompts: [0, 1].map((exampleIndex) => ({
      exampleIndex,
      exampleId: `e${String(exampleIndex)}`,
      rollouts: [rollout, rollout],
    })),
  },
  rewards: {
    prompts: [
      [1, 0],
      [1, 1],
    ].map((of) => ({ rollouts: of.map((value) => ({ reward: { value } })) })),
  },
};
const cache = {
  getDocument: (asked: ArtifactRef) => Promise.resolve(values[asked.uri as keyof typeof values]),
} as unknown as JsonCache;

/** An update as recorded before there was more than one algorithm: it names none. */
function update(klCoefficient: number): RlUpdate {
  const common = { dataset: ref('dataset'), prompting: { tasks: { t: { kind: 'pointwise' } } }, adam: {} };
  const settings = {
    temperature: 1,
    clipLow: 0.2,
    clipHigh: 0.2,
    klCoefficient,
    logProbToleranceMax: 1e-4,
    mode: 'think',
  };
  return {
    ...{ objective: 'grpo', ...common, step: 0, learningRate: 1e-3, ...settings },
    ...{ rollouts: [ref('shard')], rewards: ref('rewards'), reference: null },
  } as unknown as RlUpdate;
}

async function stepOf(klCoefficient: number) {
  const made: number[] = [];
  const prompted = {
    dataset: {
      examplesAt: (rows: readonly number[]) =>
        Promise.resolve(rows.map((index) => ({ id: `e${String(index)}`, task: 't', index, images: [] }))),
    },
    encode: ({ index }: { index: number }) =>
      Promise.resolve({
        tokenIds: [index],
        images: [{ height: 4, width: 4 }],
        pixels: () => {
          made.push(index);
          return Promise.resolve([]);
        },
      }),
    tokens: { stopTokenId: 1, padTokenId: 0, bannedTokenIds: [] },
  } as unknown as PromptedDataset;
  const { steps } = await readySteps(cache, prompted, update(klCoefficient));
  const [step] = [...(steps as Iterable<ReadyStep>)];
  return { step, made };
}

it('preparing a step decodes no pixels and drops a group of equal rewards', async () => {
  const { step, made } = await stepOf(0);
  expect(made).toEqual([]);
  expect(step?.groups.map(({ prompt }) => prompt.tokenIds)).toEqual([[0]]);
  expect(step?.droppedGroupCount).toBe(1);
  expect(step?.loss).toEqual({ name: 'ppo', clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0 });
});

it('with a KL term, a group of equal rewards is trained on: the penalty counts its tokens', async () => {
  const { step } = await stepOf(0.1);
  expect(step?.groups.map(({ prompt }) => prompt.tokenIds)).toEqual([[0], [1]]);
  expect(step?.droppedGroupCount).toBe(0);
});
