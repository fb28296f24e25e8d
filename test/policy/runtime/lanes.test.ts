/** Lanes: concurrent calls that change no bit, sums in the caller's order, and threads that exit. */
import { afterAll, describe, expect, test } from 'vitest';
import { required } from '../../../core/assert.ts';
import type { MemorySpec, SampleRequest, TrainableSpec } from '../../../policy/engine.ts';
import { EmbeddedEngine } from '../../../policy/engines/embedded/embedded-engine.ts';
import { sideBySide } from '../../../policy/engines/embedded/side-by-side.ts';
import * as b from '../../../policy/graph/build.ts';
import { Graph } from '../../../policy/graph/ir.ts';
import type { Tensor } from '../../../policy/runtime/graph-runner.ts';
import { Lanes, sharedZeros } from '../../../policy/runtime/onnx/lanes.ts';
import { cases, folderOf, promptsOf, supervisedGroups } from '../../support/idefics3-fixture.ts';

const fixture = required(cases.cases['batch-left-padded'], 'case');
const tokens = { stopTokenId: cases.eosTokenId, padTokenId: cases.padTokenId, bannedTokenIds: [] };
const groups = Array.from({ length: 40 }, () => supervisedGroups(fixture)).flat();
const sampling: SampleRequest = {
  prompts: Array.from({ length: 10 }, () => promptsOf(fixture)).flat(),
  groupSize: 8,
  sampling: { temperature: 1, greedy: false, tokenCountMax: 10 },
  ...{ tokens, seed: 1, step: 2, promptOffset: 0, promptTokenCountMax: 48 },
};

describe('an engine gives the same bits with any number of lanes', () => {
  const engines = [1, 2, 4].map((threadCount) => new EmbeddedEngine({ threadCount }));
  afterAll(() => Promise.all(engines.map((engine) => engine.close())));

  async function everything(engine: EmbeddedEngine, trainable: TrainableSpec, memory: MemorySpec | undefined) {
    await engine.loadCheckpoint(folderOf('tied'));
    await engine.prepareTraining(trainable);
    const common = { temperature: 1, tokens, ...(memory && { memory }) };
    const steps = [];
    for (let step = 0; step < 2; step++) {
      const { groups: rollouts } = await engine.sample({ ...sampling, step, ...(memory && { memory }) });
      const before = await engine.forward({ groups, weights: 'current', ...common });
      const result = await engine.forwardBackward({ groups, loss: { name: 'cross_entropy' }, ...common });
      const update = await engine.optimStep({
        ...{ learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01, gradientNormMax: 1 },
        // Muon from the second step on: its moments are new memory.
        ...(step > 0 && { muon: { momentum: 0.95 } }),
      });
      steps.push({ rollouts, before, result, update, digest: await engine.weightsDigest() });
    }
    return steps;
  }

  test.each<[string, TrainableSpec, MemorySpec | undefined]>([
    ['of all weights', {}, undefined],
    ['of adapters', { lora: { rank: 2, alpha: 4, modules: ['q_proj'], seed: 0 } }, undefined],
    ['under a ceiling', {}, { byteLengthMax: 340e6, recompute: true }],
  ])('training %s', async (_title, trainable, memory) => {
    const [one, ...more] = await Promise.all(engines.map((engine) => everything(engine, trainable, memory)));
    expect(new Set(one?.map(({ digest }) => digest)).size).toBe(2);
    for (const other of more) expect(other).toEqual(one);
  });
});

function tensor(...values: number[]): Tensor {
  const data = sharedZeros(values.length);
  data.set(values);
  return { dtype: 'float32', shape: [values.length], data };
}

describe('a call in a lane', () => {
  const lanes = new Lanes(2);
  afterAll(() => lanes.close());

  async function doubling() {
    const g = new Graph('doubling');
    const x = g.input('x', 'float32', [2]);
    g.output('y', b.add(g, x, x));
    return lanes.compile(g);
  }

  test('adds nothing before its turn, and nothing if an earlier call failed', async () => {
    const runner = await doubling();
    const sum = tensor(1, 1);
    const sums = new Map([['y', sum]]);
    let come: (value?: unknown) => void = () => undefined;
    const turn = new Promise((resolve) => (come = resolve));
    const first = runner.run(new Map([['x', tensor(1, 2)]]), new Map(), { tensors: sums, isFirst: false, turn });
    const failed = Promise.reject<unknown>(new Error('before'));
    await expect(failed).rejects.toThrow();
    const second = runner.run(new Map([['x', tensor(8, 8)]]), new Map(), {
      tensors: sums,
      isFirst: false,
      turn: failed,
    });
    await expect(second).rejects.toThrow('before');
    expect([...sum.data]).toEqual([1, 1]);
    come();
    expect((await first).size).toBe(0);
    expect([...sum.data]).toEqual([3, 5]);
  });

  test('that is the first of a sum overwrites earlier values, also those without an output', async () => {
    const runner = await doubling();
    const sums = new Map([
      ['y', tensor(7, NaN)],
      ['z', tensor(7, NaN)],
    ]);
    const call = (isFirst: boolean) =>
      runner.run(new Map([['x', tensor(1, 2)]]), new Map(), { tensors: sums, isFirst, turn: Promise.resolve() });
    await call(true);
    expect([...sums.values()].map(({ data }) => [...data])).toEqual([
      [2, 4],
      [0, 0],
    ]);
    await call(false);
    expect([...sums.values()].map(({ data }) => [...data])).toEqual([
      [4, 8],
      [0, 0],
    ]);
  });

  test('writes in place, and refuses to write to unshared memory', async () => {
    const runner = await doubling();
    const inPlace = tensor(1, 2);
    await runner.run(new Map([['x', inPlace]]), new Map([['y', inPlace]]));
    expect([...inPlace.data]).toEqual([2, 4]);
    const own: Tensor = { dtype: 'float32', shape: [2], data: new Float32Array(2) };
    await expect(runner.run(new Map([['x', own]]), new Map([['y', own]]))).rejects.toThrow('does not share');
  });

  test("rejects with the runtime's message, and the lane stays usable", async () => {
    const runner = await doubling();
    await expect(runner.run(new Map())).rejects.toThrow(/x/);
    expect([...required((await runner.run(new Map([['x', tensor(1, 2)]]))).get('y'), 'y').data]).toEqual([2, 4]);
  });
});

describe('a thread that exits', () => {
  const lanes = new Lanes(1, new URL('../../fixtures/lanes/ending-thread.mjs', import.meta.url));
  afterAll(() => lanes.close());

  test.each([
    ['exit', 'exit code 3'],
    ['throw', 'out of luck'],
  ])('by %s rejects its call with the cause, and waiting calls get another thread', async (way, found) => {
    const g = new Graph('any');
    g.output('y', g.input('x', 'float32', [1]));
    const runner = await lanes.compile(g);
    const lost = runner.run(new Map([[way, tensor(1)]]));
    const waiting = runner.run(new Map([['x', tensor(1)]]));
    await expect(lost).rejects.toMatchObject({ code: 'COMPUTE_CRASHED', details: { found } });
    expect(await waiting).toEqual(new Map());
  });
});

describe('side by side', () => {
  test('runs a limited number at a time, started and returned in order', async () => {
    const log: string[] = [];
    const results = await sideBySide([30, 10, 20, 0], 2, async (ms, turn) => {
      log.push(`start ${ms}`);
      await new Promise((resolve) => setTimeout(resolve, ms));
      log.push(`end ${ms}`);
      await turn;
      return ms;
    });
    expect(results).toEqual([30, 10, 20, 0]);
    expect(log.slice(0, 3)).toEqual(['start 30', 'start 10', 'end 10']);
  });

  test('throws the first failure after all started calls have ended, and starts no more', async () => {
    const started: number[] = [];
    let hasEnded = false;
    const all = sideBySide([0, 1, 2, 3], 2, async (item) => {
      started.push(item);
      await new Promise((resolve) => setTimeout(resolve, item * 20));
      if (item === 1) hasEnded = true;
      if (item === 0) throw new Error('no luck');
    });
    await expect(all).rejects.toThrow('no luck');
    expect(hasEnded).toBe(true);
    expect(started).toEqual([0, 1]);
  });
});
