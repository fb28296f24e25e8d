import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { engineSettings, versionWith } from '../../../policy/engines/embedded/settings.ts';
import { EmbeddedEngine } from '../../../policy/engines/embedded/embedded-engine.ts';
import { spawnEmbeddedEngine } from '../../../policy/engines/embedded/spawn.ts';
import * as b from '../../../policy/graph/build.ts';
import { Graph } from '../../../policy/graph/ir.ts';
import type { BackendName, RuntimeSettings } from '../../../policy/runtime/graph-runner.ts';
import { openRuntime } from '../../../policy/runtime/open-runtime.ts';
import type { ProviderReport } from '../../../policy/runtime/list-providers.ts';
import { folderOf } from '../../support/idefics3-fixture.ts';
import { runScript } from '../../support/vulkan.ts';

describe('a requested backend or provider is used or refused, never replaced', () => {
  it.each<[string, RuntimeSettings, string]>([
    ['an unknown backend', { threadCount: 1, backend: 'jax' as BackendName }, 'onnxruntime, tfjs'],
    ['an unknown provider', { threadCount: 1, executionProvider: 'tpu' }, 'cpu, webgpu, cuda'],
    ['an unknown provider of tfjs', { threadCount: 1, backend: 'tfjs', executionProvider: 'tpu' }, 'tfjs-node-gpu'],
  ])('%s is refused with the known ones', async (_title, settings, hint) => {
    await expect(openRuntime(settings)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      details: { hint: expect.stringContaining(hint) as string },
    });
  });

  it('an unavailable provider states what it needs, and the others are still found', async () => {
    const reports = (await runScript(
      'policy/runtime/list-providers.ts',
      ['onnxruntime/cuda', 'tfjs'],
      {},
    )) as ProviderReport[];
    const missing = reports.filter(({ isAvailable }) => !isAvailable);
    for (const { executionProvider, hint, found } of missing)
      expect(`${found} ${hint ?? ''}`, executionProvider).toMatch(/\w+ \w+/);
    expect(
      reports.find(({ backend, executionProvider }) => backend === 'tfjs' && executionProvider === 'cpu'),
    ).toMatchObject({
      isAvailable: true,
    });
    const cuda = reports.find(({ executionProvider }) => executionProvider === 'cuda');
    expect(cuda?.isAvailable === true || cuda?.hint?.includes('libonnxruntime_providers_cuda.so')).toBe(true);
  });

  it('webgpu without any Vulkan driver is PROVIDER_UNAVAILABLE and names the loader', async () => {
    const without = { VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' };
    const [report] = (await runScript(
      'policy/runtime/list-providers.ts',
      ['onnxruntime/webgpu'],
      without,
    )) as ProviderReport[];
    expect(report).toMatchObject({ isAvailable: false, hint: expect.stringContaining('libvulkan') as string });
  });
});

describe('the backend of an engine', () => {
  it('is in its info', async () => {
    const engine = new EmbeddedEngine({ threadCount: 1, backend: 'tfjs', executionProvider: 'cpu' });
    expect(await engine.loadCheckpoint(folderOf('tied'))).toMatchObject({ backend: 'tfjs', executionProvider: 'cpu' });
    await engine.close();
    const other = new EmbeddedEngine({ threadCount: 1 });
    expect(await other.loadCheckpoint(folderOf('tied'))).toMatchObject({
      backend: 'onnxruntime-node',
      executionProvider: 'cpu',
      threadCount: 1,
    });
    await other.close();
  });

  it('comes from the environment, and an unknown backend there is a usage error', () => {
    expect(engineSettings({}, { threadCount: 2 })).toEqual({ threadCount: 2 });
    expect(engineSettings({ MTRL_ENGINE_BACKEND: 'tfjs', MTRL_ENGINE_PROVIDER: 'wasm' }, { threadCount: 1 })).toEqual({
      threadCount: 1,
      backend: 'tfjs',
      executionProvider: 'wasm',
    });
    expect(engineSettings({ MTRL_ENGINE_BACKEND: '', MTRL_ENGINE_PROVIDER: '' }, { threadCount: 1 })).toEqual({
      threadCount: 1,
    });
    expect(() => engineSettings({ MTRL_ENGINE_BACKEND: 'jax' }, { threadCount: 1 })).toThrow(
      expect.objectContaining({ code: 'USAGE' }) as Error,
    );
  });
});

describe('an engine in a process of its own', () => {
  it('computes with the backend of its settings', async () => {
    const engine = spawnEmbeddedEngine({ threadCount: 1, backend: 'tfjs', executionProvider: 'wasm' });
    expect(await engine.loadCheckpoint(folderOf('tied'))).toMatchObject({ backend: 'tfjs', executionProvider: 'wasm' });
    await engine.close();
  });

  it('reports the code of an unavailable provider to its parent', async () => {
    const engine = spawnEmbeddedEngine({ threadCount: 1, backend: 'tfjs', executionProvider: 'tpu' });
    await expect(engine.loadCheckpoint(folderOf('tied'))).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await engine.close();
  });

  it.each([
    ['without its runtime', { backend: 'tfjs', executionProvider: 'tpu' }, 'PROVIDER_UNAVAILABLE'],
    ['with a policy', {}, undefined],
  ] as const)('lives on after a rest %s', async (_title, choice, code) => {
    const engine = spawnEmbeddedEngine({ threadCount: 1, idleMs: 1, ...choice });
    const load = () =>
      engine.loadCheckpoint(folderOf('tied')).then(
        () => undefined,
        (error: unknown) => (error as { code?: string }).code,
      );
    expect(await load()).toBe(code);
    // Long enough for a rest; without one, the second call shows nothing.
    await sleep(300);
    expect(await load()).toBe(code);
    await engine.close();
  });
});

describe('keys of results', () => {
  it('the default engine has the key of the code alone, every other one its own', () => {
    const versions = [
      {},
      { backend: 'onnxruntime', executionProvider: 'cpu' },
      { executionProvider: 'webgpu' },
      { backend: 'tfjs' },
      { backend: 'tfjs', executionProvider: 'cpu' },
    ] satisfies Omit<RuntimeSettings, 'threadCount'>[];
    const keys = versions.map((settings) => versionWith('c0de', { threadCount: 1, ...settings }));
    expect(keys.slice(0, 2)).toEqual(['c0de', 'c0de']);
    expect(new Set(keys).size).toBe(4);
  });
});

describe('TensorFlow.js has no int64', () => {
  it('refuses a number that does not fit into int32 instead of truncating it', async () => {
    const g = new Graph('ids');
    g.output('y', b.identity(g, g.input('x', 'int64', [1])));
    const runtime = await openRuntime({ threadCount: 1, backend: 'tfjs', executionProvider: 'cpu' });
    const runner = await runtime.compile(g);
    const run = (value: bigint) =>
      runner.run(new Map([['x', { dtype: 'int64' as const, shape: [1], data: BigInt64Array.of(value) }]]));
    expect((await run(-(2n ** 31n))).get('y')?.data).toEqual(BigInt64Array.of(-(2n ** 31n)));
    await expect(run(2n ** 31n)).rejects.toMatchObject({ code: 'GRAPH_INVALID' });
  });

  it('running a graph many times leaks no tensors', async () => {
    const { tf } = await import('../../../policy/runtime/tfjs/tf.ts');
    const g = new Graph('sum');
    const x = g.input('x', 'float32', ['B', 2]);
    g.output('y', b.softmax(g, b.add(g, b.mul(g, x, x), g.scalar(1))));
    g.output('z', x);
    const runtime = await openRuntime({ threadCount: 1, backend: 'tfjs', executionProvider: 'cpu' });
    const runner = await runtime.compile(g);
    const run = () =>
      runner.run(new Map([['x', { dtype: 'float32' as const, shape: [1, 2], data: Float32Array.of(1, 2) }]]));
    await run();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 20; i++) await run();
    expect(tf.memory().numTensors).toBe(before);
    await runner.release();
    expect(tf.memory().numTensors).toBeLessThan(before);
  });
});
