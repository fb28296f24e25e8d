/** A recipe for a server of the Tinker API, and what is refused before anything runs. */
import { describe, expect, it } from 'vitest';
import { requireCapabilities } from '../../pipeline/policies/missing-capabilities.ts';
import { checkEngine } from '../../pipeline/policies/required-engine.ts';
import { loraOf, trainedArm } from '../../pipeline/recipe-access.ts';
import { tinkerSettings } from '../../policy/engines/tinker/settings.ts';
import { tinkerCapabilities } from '../../policy/engines/tinker/tinker-engine.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';

const tinker = { url: 'http://gpu:8000/', baseModel: 'Qwen/Qwen3-8B', lora: { rank: 8 } };
const rows = { reader: 'jsonl', path: 'a.jsonl', imageFolder: 'i', fields: {} } as const;
const arm = { objective: 'rl', mode: 'think', stepCount: 2, optimizer: { learningRate: 1e-4 } } as const;

function recipe(change: object = {}, more: Partial<RecipeInput> = {}) {
  return parseRecipe({
    name: 'remote',
    policy: { checkpoint: 'base' },
    engine: { tinker },
    tasks: { shows: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image>' } },
    datasets: [{ ...rows, task: 'shows', split: { train: 0.5, test: 0.5, seed: 0 } }],
    arms: { judge: { ...arm, ...change } },
    ...more,
  });
}

const environment = { MTRL_TINKER_URL: 'http://gpu:8000', MTRL_TINKER_BASE_MODEL: tinker.baseModel };
const settings = tinkerSettings({ environment });
const capabilities = tinkerCapabilities(settings);

describe('a recipe with engine.tinker', () => {
  it('is accepted if it needs nothing that the engine lacks, and trains the adapters of the engine', () => {
    const accepted = recipe();
    requireCapabilities(accepted, capabilities);
    const lora = loraOf(accepted, trainedArm(accepted, 'judge'));
    expect(lora).toMatchObject({ rank: 8, alpha: 32 });
    expect(lora?.modules).toContain('down_proj');
  });

  it.each([
    ['temperature', { temperature: 0.7 }, {}],
    ['klCoefficient', { klCoefficient: 0.1 }, {}],
    ['arms.judge.algorithm: found "dpo"', { algorithm: 'dpo' }, {}],
    ['averagedSnapshotCount', { averagedSnapshotCount: 2 }, {}],
    ['lora', {}, { engine: { tinker: { url: tinker.url, baseModel: tinker.baseModel } } }],
    ['policy.config', {}, { policy: { config: 'folder' } }],
  ] as const)('is refused with the place of what is missing: %s', (place, change, more) => {
    const check = (): void => {
      requireCapabilities(recipe(change, more), capabilities);
    };
    expect(check).toThrow(expect.objectContaining({ code: 'RECIPE_INVALID' }) as Error);
    expect(check).toThrow(place);
  });

  it('may have a KL term in the reward', () => {
    requireCapabilities(recipe({ klCoefficient: 0.1, klIn: 'reward' }), capabilities);
  });

  it('is refused if the server lacks the loss', () => {
    const few = tinkerCapabilities({ ...settings, losses: ['cross_entropy'] });
    expect(() => {
      requireCapabilities(recipe(), few);
    }).toThrow('cross_entropy');
  });

  it('is refused if policy.checkpoint is that of another model on the Hub', () => {
    const from = (checkpoint: string) => () => recipe({}, { policy: { checkpoint } });
    expect(from('hf:Qwen/Qwen3-8B@main')).not.toThrow();
    expect(from('hf:Qwen/Qwen2-7B@main')).toThrow('engine.tinker.baseModel');
  });

  it('is for workers with this server, and the error states how to start one', () => {
    const server = { url: settings.url, baseModel: settings.baseModel, reduction: settings.reduction };
    checkEngine(recipe(), { backend: 'tinker', tinker: server });
    for (const ours of [{}, { tinker: { ...server, reduction: 'sequence-mean' } }]) {
      expect(() => {
        checkEngine(recipe(), ours);
      }).toThrow(
        expect.objectContaining({
          code: 'PROVIDER_UNAVAILABLE',
          details: expect.objectContaining({
            hint: expect.stringContaining('MTRL_ENGINE=tinker MTRL_TINKER_URL=http://gpu:8000') as string,
          }) as object,
        }) as Error,
      );
    }
  });
});

describe('settings of the worker', () => {
  it.each([
    ['MTRL_TINKER_URL', { MTRL_TINKER_URL: 'gpu:8000' }],
    ['MTRL_TINKER_BASE_MODEL', { MTRL_TINKER_BASE_MODEL: ' ' }],
    ['MTRL_TINKER_REDUCTION', { MTRL_TINKER_REDUCTION: 'mean' }],
    ['MTRL_TINKER_LOSSES', { MTRL_TINKER_LOSSES: 'ppo,hinge' }],
    ['MTRL_TINKER_SAMPLING_COUNT_MAX', { MTRL_TINKER_SAMPLING_COUNT_MAX: '0' }],
    ['TINKER_API_KEY', { TINKER_API_KEY: 'with a space' }],
  ])('are refused by name: %s', (name, change) => {
    expect(() => tinkerSettings({ environment: { ...environment, ...change } })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        details: expect.objectContaining({ where: `environment variable ${name}` }) as object,
      }) as Error,
    );
  });
});
