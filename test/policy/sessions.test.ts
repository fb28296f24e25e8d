import { expect, test } from 'vitest';
import { Sessions } from '../../policy/engines/embedded/sessions.ts';
import { readConfig } from '../../policy/engines/embedded/weights.ts';
import type { Graph } from '../../policy/graph/ir.ts';
import type { GraphRunner, Runtime } from '../../policy/runtime/graph-runner.ts';
import { folderOf } from '../support/idefics3-fixture.ts';

const { architecture } = await readConfig(folderOf('tied'));

/** A runtime that compiles nothing and records the graphs. */
function recorder(): { readonly runtime: Runtime; readonly compiled: Graph[] } {
  const compiled: Graph[] = [];
  const runner: GraphRunner = { run: () => Promise.resolve(new Map()), release: () => Promise.resolve() };
  const info = { backend: 'none', runtimeVersion: '0', executionProvider: 'none', threadCount: 1 };
  const compile = (graph: Graph): Promise<GraphRunner> => {
    compiled.push(graph);
    return Promise.resolve(runner);
  };
  return { runtime: { info, compile }, compiled };
}

test('builds a graph once per process, not once per step', async () => {
  const { runtime, compiled } = recorder();
  const sessions = new Sessions(architecture, runtime);
  for (let step = 0; step < 3; step++) {
    await sessions.rollout({ withImages: true });
    await sessions.training({ withImages: true, loss: 'ppo' });
  }
  expect(compiled.map(({ name }) => name)).toEqual(['rollout', 'training']);
});

test('builds another graph for other sampling, stop or training options, and keeps the first', async () => {
  const { runtime, compiled } = recorder();
  const sessions = new Sessions(architecture, runtime);
  sessions.retarget({}, architecture.parameterSpecs);
  await sessions.rollout({ withImages: true });
  await sessions.rollout({ withImages: true, topK: 5 });
  await sessions.rollout({ withImages: true, topK: 6 });
  await sessions.rollout({ withImages: true, withTopP: true });
  await sessions.rollout({ withImages: true, stopSequences: [[7]] });
  sessions.retarget({ freeze: ['vision'] }, architecture.parameterSpecs);
  await sessions.rollout({ withImages: true });
  expect(compiled.length).toBe(6);
  sessions.retarget({}, architecture.parameterSpecs);
  await sessions.rollout({ withImages: true, topK: 5 });
  expect(compiled.length).toBe(6);
});
