/** Conformance tests for any engine, depending on its declared capabilities. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { readFolderManifest } from '../../artifacts/store/files.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { required } from '../../core/assert.ts';
import type {
  Engine,
  Loss,
  OptimStepRequest,
  Prompt,
  SampleRequest,
  SampledCompletion,
  StateHandle,
  TokenRoles,
  TrainGroup,
} from '../../policy/engine.ts';
import type { EngineService, OpenEngineService, StoredState } from '../../policy/engines/engine-service.ts';
import { smallFiles } from '../../pipeline/policies/small-files.ts';

export interface ConformanceSubject {
  readonly open: OpenEngineService;
  readonly environment: NodeJS.ProcessEnv;
  /** Name of the engine in engines/table.ts. */
  readonly kind: string;
  /** Stores a small policy. */
  readonly stored: (store: ArtifactStore) => Promise<StoredState>;
  /** Stores the same policy, broken so that no engine can load it. */
  readonly broken: (store: ArtifactStore) => Promise<StoredState>;
  /** At least two, of different lengths. */
  readonly prompts: readonly Prompt[];
  readonly promptTokenCountMax: number;
  readonly tokens: TokenRoles;
  /** Tokens that are not special, one for each of two labels. */
  readonly labelTokenIds: readonly [number, number];
  /** Largest allowed difference between log-probs of a rollout and those of `forward`, in nats. */
  readonly logProbTolerance: number;
}

const adamw: OptimStepRequest = {
  ...{ learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
  ...{ weightDecay: 0.01, gradientNormMax: 1 },
};

/** Of all modules that servers of the Tinker API adapt, with their alpha. */
const adapters = {
  ...{ rank: 4, alpha: 32, seed: 1 },
  modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};

/** One loss of each name, with typical settings. The compiler reports a missing one. */
const lossOf: { readonly [N in Loss['name']]: Extract<Loss, { readonly name: N }> } = {
  cross_entropy: { name: 'cross_entropy' },
  ppo: { name: 'ppo', clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0 },
  dpo: { name: 'dpo', beta: 0.1 },
};

export function engineConformance(title: string, subject: ConformanceSubject): void {
  const { prompts, tokens, labelTokenIds, logProbTolerance } = subject;
  const request: SampleRequest = {
    ...{ prompts, groupSize: 4, tokens, seed: 5, step: 3, promptOffset: 0 },
    sampling: { temperature: 1, greedy: false, tokenCountMax: 8 },
    promptTokenCountMax: subject.promptTokenCountMax,
  };
  const common = { temperature: 1, tokens };

  describe(`${title}: an engine`, () => {
    let root: string;
    let store: ArtifactStore;
    let service: EngineService;
    let initial: StateHandle;
    let engine: Engine;
    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), 'mtrl-conformance-'));
      store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
      const surroundings = {
        environment: subject.environment,
        threadCount: 1,
        store,
        spoolFolder: join(root, 'spool'),
      };
      service = await subject.open(surroundings);
      initial = await service.states.fetch(await subject.stored(store));
      engine = service.start();
    });
    afterAll(async () => {
      await engine.close();
      await rm(root, { recursive: true, force: true });
    });

    /** Groups to train on: the policy's own samples with alternating advantages. */
    const groupsOf = (sampled: readonly (readonly SampledCompletion[])[]): TrainGroup[] =>
      sampled.map((group, i) => ({
        prompt: required(prompts[i], 'a prompt'),
        completions: group.map(({ tokenIds, logProbs }, k) => ({
          ...{ tokenIds, logProbs, referenceLogProbs: logProbs, advantage: k % 2 === 0 ? 1 : -1 },
          tokenWeight: 1 / (tokenIds.length * group.length * sampled.length),
        })),
      }));
    /** Loads the initial policy, with new adapters if the engine trains nothing else. */
    const loadToTrain = async (): Promise<void> => {
      await engine.loadState(initial);
      if (engine.capabilities.adaptersOnly) await engine.prepareTraining({ lora: adapters });
    };
    const onPolicy = async (): Promise<TrainGroup[]> => groupsOf((await engine.sample(request)).groups);
    const update = async (groups: readonly TrainGroup[], name: Loss['name']): Promise<string> => {
      await engine.forwardBackward({ groups, loss: lossOf[name], ...common });
      await engine.optimStep(adamw);
      return engine.weightsDigest();
    };
    const firstLoss = (): Loss['name'] | undefined => engine.capabilities.losses[0];

    describe('describes itself', () => {
      test('in its info, once a state is loaded', async () => {
        const info = await engine.loadState(initial);
        expect(info.parameterCount).toBeGreaterThan(0);
        expect([info.backend, info.runtimeVersion, info.executionProvider]).not.toContain('');
      });

      test('with states of its kind and a positive size', () => {
        expect(initial.kind).toBe(subject.kind);
        expect(initial.byteLength).toBeGreaterThan(0);
      });

      test('runs every declared loss and refuses others by name', async () => {
        await loadToTrain();
        const groups = await onPolicy();
        for (const name of engine.capabilities.losses) {
          const { loss, tokenCount, logProbs } = await engine.forwardBackward({
            ...{ groups, loss: lossOf[name], ...common },
          });
          expect(Number.isFinite(loss), name).toBe(true);
          expect(tokenCount).toBe(groups.flatMap(({ completions }) => completions.flatMap((c) => c.tokenIds)).length);
          expect(logProbs.map((group) => group.map((values) => values.length))).toEqual(
            groups.map(({ completions }) => completions.map(({ tokenIds }) => tokenIds.length)),
          );
        }
        const unknown = { name: 'hinge' } as unknown as Loss;
        await expect(engine.forwardBackward({ groups, loss: unknown, ...common })).rejects.toMatchObject({
          code: 'RECIPE_INVALID',
          details: { found: 'hinge' },
        });
      });

      test('trains whole matrices unless it declares adapters only', async () => {
        await engine.loadState(initial);
        const whole = engine.prepareTraining({ freeze: ['embeddings'] });
        if (!engine.capabilities.adaptersOnly) {
          await whole;
          return;
        }
        await expect(whole).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
        await expect(engine.optimStep(adamw)).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
      });

      test('computes label log-probs after the prompt, if declared', async () => {
        await engine.loadState(initial);
        const completions = labelTokenIds.map((id) => [id, tokens.stopTokenId]);
        const asked = engine.labelLogProbs({ prompts: prompts.map((prompt) => ({ prompt, completions })), ...common });
        if (!engine.capabilities.labelLogProbs) {
          await expect(asked).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
          return;
        }
        const groups = prompts.map((prompt) => ({
          prompt,
          completions: completions.map((tokenIds) => ({ tokenIds, tokenWeight: 0 })),
        }));
        const forward = await engine.forward({ groups, ...common, weights: 'current' });
        const firsts = forward.map((group) => group.map((values) => required(values[0], 'a token')));
        expect(differenceMax((await asked).flat(), firsts.flat())).toBeLessThan(logProbTolerance);
      });
    });

    describe('samples', () => {
      test('the same tokens for the same seed and step, and different ones otherwise', async () => {
        await engine.loadState(initial);
        const once = await engine.sample(request);
        expect(await engine.sample(request)).toEqual(once);
        for (const changed of [{ seed: 6 }, { step: 4 }, { promptOffset: 7 }])
          expect(idsOf((await engine.sample({ ...request, ...changed })).groups)).not.toEqual(idsOf(once.groups));
      });

      test('the same tokens and log-probs for any sharding of the prompts', async () => {
        await engine.loadState(initial);
        const whole = await engine.sample(request);
        const parts = [];
        for (const [index, prompt] of prompts.entries())
          parts.push(...(await engine.sample({ ...request, prompts: [prompt], promptOffset: index })).groups);
        expect(parts).toEqual(whole.groups);
      });

      test('a group that begins like a smaller one', async () => {
        await engine.loadState(initial);
        const [four, two] = [await engine.sample(request), await engine.sample({ ...request, groupSize: 2 })];
        expect(idsOf(two.groups)).toEqual(idsOf(four.groups.map((group) => group.slice(0, 2))));
      });

      test('no banned token, no token after the stop token, and a log-prob for each', async () => {
        await engine.loadState(initial);
        const sampling = { temperature: 3, greedy: false, tokenCountMax: 12 };
        const completions = (await engine.sample({ ...request, groupSize: 16, sampling })).groups.flat();
        for (const { tokenIds, logProbs, finishReason } of completions) {
          expect(tokenIds.filter((id) => tokens.bannedTokenIds.includes(id))).toEqual([]);
          expect(logProbs).toHaveLength(tokenIds.length);
          expect(Math.max(...logProbs)).toBeLessThanOrEqual(0);
          expect(tokenIds.indexOf(tokens.stopTokenId)).toBe(finishReason === 'stop' ? tokenIds.length - 1 : -1);
          if (finishReason === 'length') expect(tokenIds).toHaveLength(sampling.tokenCountMax);
        }
      });

      test('the same log-probs as forward computes', async () => {
        await engine.loadState(initial);
        const groups = await onPolicy();
        const forward = await engine.forward({ groups, ...common, weights: 'current' });
        const sampled = groups.flatMap(({ completions }) => completions.flatMap(({ logProbs = [] }) => logProbs));
        expect(sampled.length).toBeGreaterThan(prompts.length);
        expect(differenceMax(forward.flat(2), sampled)).toBeLessThan(logProbTolerance);
      });

      test('only prompts within the padding, and refuses others instead of cutting them', async () => {
        await engine.loadState(initial);
        await expect(engine.sample({ ...request, promptTokenCountMax: 1 })).rejects.toMatchObject({
          code: 'EXAMPLE_TOO_LONG',
        });
      });
    });

    describe('trains', () => {
      test('to other weights, and bit-exactly to the same ones from the same state if declared', async () => {
        const loss = firstLoss();
        if (loss === undefined) return;
        await loadToTrain();
        const before = await engine.weightsDigest();
        const groups = await onPolicy();
        const after = await update(groups, loss);
        expect(after).not.toBe(before);
        await loadToTrain();
        if (!engine.capabilities.bitExact) return;
        expect(await engine.weightsDigest()).toBe(before);
        expect(await update(groups, loss)).toBe(after);
      });

      test('on the sum of the gradients since the last update, once', async () => {
        const loss = firstLoss();
        if (loss === undefined || !engine.capabilities.bitExact) return;
        await loadToTrain();
        const groups = await onPolicy();
        const [first, ...others] = groups;
        const half = [required(first, 'a group')];
        const alone = await update(half, loss);
        // Gradients that an update has used do not affect later updates.
        await loadToTrain();
        await engine.forwardBackward({ groups: others, loss: lossOf[loss], ...common });
        expect(await update(half, loss)).not.toBe(alone);
        await loadToTrain();
        expect(await update(half, loss)).toBe(alone);
      });

      test('towards a lower loss', async () => {
        if (!engine.capabilities.losses.includes('cross_entropy')) return;
        await loadToTrain();
        const groups = await onPolicy();
        const lossNow = async (): Promise<number> => {
          const done = await engine.forwardBackward({ groups, loss: lossOf.cross_entropy, ...common });
          await engine.optimStep(adamw);
          return done.loss;
        };
        const losses = [await lossNow(), await lossNow(), await lossNow(), await lossNow()];
        expect(losses.at(-1)).toBeLessThan(required(losses[0], 'a loss'));
      });

      test('without changing the reference', async () => {
        const loss = firstLoss();
        if (loss === undefined) return;
        await loadToTrain();
        await engine.loadReference(initial);
        const groups = await onPolicy();
        const ask = (weights: 'current' | 'reference') => engine.forward({ groups, ...common, weights });
        const before = await ask('reference');
        expect(differenceMax(before.flat(2), (await ask('current')).flat(2))).toBeLessThan(logProbTolerance);
        await update(groups, loss);
        expect(differenceMax((await ask('reference')).flat(2), before.flat(2))).toBeLessThan(logProbTolerance);
        expect(differenceMax((await ask('current')).flat(2), before.flat(2))).toBeGreaterThan(logProbTolerance);
      });
    });

    describe('saves and loads states', () => {
      test('from which training continues as if uninterrupted, as a handle and as artifacts', async () => {
        const loss = firstLoss();
        if (loss === undefined) return;
        await loadToTrain();
        const groups = await onPolicy();
        await update(groups, loss);
        const digest = await engine.weightsDigest();
        const saved = await engine.saveState();
        const undisturbed = await update(groups, loss);

        const { checkpoint } = await subject.stored(store);
        const small = smallFiles(await readFolderManifest(store, checkpoint));
        const stored = {
          checkpoint: await service.states.putCheckpoint(saved, small),
          optimizer: await service.states.putOptimizer(saved),
        };
        const fetched = await service.states.fetch(stored);
        for (const state of [saved, fetched]) {
          await engine.loadState(state);
          if (engine.capabilities.bitExact) expect(await engine.weightsDigest()).toBe(digest);
          expect((await engine.forwardBackward({ groups, loss: lossOf[loss], ...common })).loss).toBeTypeOf('number');
          expect((await engine.optimStep(adamw)).updateCount).toBe(2);
          if (engine.capabilities.bitExact) expect(await engine.weightsDigest()).toBe(undisturbed);
        }
        await Promise.all([saved, fetched].map((state) => service.states.discard(state)));
      });

      test('and reports a discarded state as not found', async () => {
        const state = await service.states.fetch(await subject.stored(store));
        await service.states.discard(state);
        await expect(engine.loadState(state)).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await expect(engine.loadReference(state)).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await expect(service.states.putCheckpoint(state, {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
      });

      test('and refuses a broken one with the uri of its artifact, and stays usable', async () => {
        const stored = await subject.broken(store);
        const refused = (async () => engine.loadState(await service.states.fetch(stored)))();
        await expect(refused).rejects.toMatchObject({
          code: expect.stringMatching(/^(CHECKPOINT_INVALID|CHECKPOINT_UNSUPPORTED|FILE_MISSING)$/) as string,
          details: { where: expect.stringContaining(stored.checkpoint.uri) as string },
        });
        await engine.loadState(initial);
        expect((await engine.sample(request)).groups).toHaveLength(prompts.length);
      });
    });

    describe('is monitored and cancelled', () => {
      test('with progress that grows with its work', async () => {
        await engine.loadState(initial);
        const before = engine.progress();
        await engine.sample(request);
        expect(engine.progress()).toBeGreaterThan(before);
      });

      test('without starting a request whose signal is already aborted', async () => {
        await engine.loadState(initial);
        const reason = new Error('not wanted any more');
        await expect(engine.sample(request, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        expect((await engine.sample(request)).groups).toHaveLength(prompts.length);
      });

      test('with the reason of the cancellation; afterwards the engine has ended or can load again, and others are not affected', async () => {
        await engine.loadState(initial);
        const wanted = await engine.sample(request);
        const other = service.start();
        try {
          await other.loadState(initial);
          const reason = new Error('not wanted any more');
          const stopping = new AbortController();
          const cancelled = other.sample(request, { signal: stopping.signal });
          stopping.abort(reason);
          await expect(cancelled).rejects.toBe(reason);
          const again = other.loadState(initial).then(
            () => 'loaded',
            () => other.closed,
          );
          expect(await again).toSatisfy(
            (end) => end === 'loaded' || (end as { readonly code?: string }).code === 'COMPUTE_CRASHED',
          );
          expect(await engine.sample(request)).toEqual(wanted);
        } finally {
          await other.close();
        }
      });

      test('and after close, it has ended without an error and refuses requests', async () => {
        const other = service.start();
        await other.loadState(initial);
        await other.close();
        expect(await other.closed).toBeUndefined();
        await expect(other.sample(request)).rejects.toMatchObject({ code: 'COMPUTE_CRASHED' });
        await other.close();
      });
    });
  });
}

function idsOf(groups: readonly (readonly SampledCompletion[])[]): readonly (readonly (readonly number[])[])[] {
  return groups.map((group) => group.map(({ tokenIds }) => tokenIds));
}

function differenceMax(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));
}
