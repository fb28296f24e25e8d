import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import ts from 'typescript';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createComputeActivities } from '../../activities/compute.ts';
import type { Activities } from '../../contract/activities.ts';
import { createControlActivities } from '../../activities/control.ts';
import { EnginePool } from '../../pipeline/policies/engine-pool.ts';
import type { RetrainingActivities } from '../../contract/retraining.ts';
import { StateCache } from '../../pipeline/policies/state-cache.ts';
import { FolderStates } from '../../policy/engines/embedded/folder-states.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { nodesOf, sourceOf } from '../support/source-files.ts';

/**
 * When each activity heartbeats. `waiting`: while it waits for the store, a service or an engine, or computes in turns.
 * `ending`: likewise, and after a cancellation until its requests in flight have been answered. `reading`: with each part of a file that it has read. `constant`: never, because its work is bounded for any data.
 */
const signs = {
  prepare: 'waiting',
  ingest: 'reading',
  importPolicy: 'waiting',
  mix: 'waiting',
  rollout: 'waiting',
  reward: 'waiting',
  optimize: 'waiting',
  step: 'waiting',
  snapshot: 'waiting',
  averageSnapshots: 'waiting',
  evaluate: 'waiting',
  // Its answers are paid for.
  evaluateEndpoint: 'ending',
  judgeRowsEndpoint: 'ending',
  calibrate: 'waiting',
  admit: 'waiting',
  findRun: 'waiting',
  keepRun: 'waiting',
  keepEvaluations: 'waiting',
  pixelBaselines: 'waiting',
  report: 'waiting',
  planFork: 'waiting',
  readRows: 'reading',
  judgeRows: 'waiting',
  findPromoted: 'waiting',
  findCandidate: 'waiting',
  inspectData: 'reading',
  gate: 'waiting',
  promote: 'waiting',
  rollBack: 'waiting',
  // Parallel requests, each with a time-out and three attempts.
  notify: 'constant',
} as const satisfies Record<
  keyof Activities | keyof RetrainingActivities,
  'waiting' | 'ending' | 'reading' | 'constant'
>;

type Name = keyof typeof signs;
const names = Object.keys(signs) as Name[];

/** The source text of the `proxyActivities` options, by activity. */
function optionsOf(path: string): [string, string][] {
  const source = sourceOf(path);
  const declared = (name: string): string =>
    nodesOf(source)
      .filter(ts.isVariableDeclaration)
      .find((node) => node.name.getText() === name)
      ?.initializer?.getText() ?? name;
  return nodesOf(source)
    .filter(ts.isCallExpression)
    .filter((call) => call.expression.getText() === 'proxyActivities')
    .flatMap((call) => {
      const written = declared(call.arguments[0]?.getText() ?? '');
      const options = written.replaceAll(/\.\.\.(\w+)/g, (_, name: string) => declared(name));
      const type = call.typeArguments?.[0];
      // A type by name is that of the compute workers.
      const listed =
        type?.getText() === 'ComputeActivities' ? sourceOf('contract/compute-activities.ts') : (type ?? call);
      const activities = nodesOf(listed).filter(ts.isStringLiteral);
      return activities.map(({ text }) => [text, options] as [string, string]);
    });
}

const options = new Map(
  ['workflows/activity-options.ts', 'workflows/promotion/promotion-activities.ts'].flatMap(optionsOf),
);

describe('activities whose work grows with the data have a heartbeat timeout and no tight start-to-close timeout', () => {
  it.each(names)('%s', (name) => {
    const written = options.get(name) ?? '';
    if (signs[name] === 'constant') return;
    expect(written).toContain('heartbeatTimeout');
    expect(written).toMatch(/startToCloseTimeout(,|: '30d')/);
  });
});

describe('activities heartbeat while a slow store answers', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Never answers. */
  const objects = new Proxy({} as ObjectStore, {
    get: (_, member) => (member === 'uriOf' ? String : () => new Promise(() => undefined)),
  });
  const store = new ArtifactStore(objects);
  const deps = { store, codeVersion: () => 'code', log: pino({ level: 'silent' }) };
  const enginePool = new EnginePool(1, () => {
    throw new Error('no engine is wanted before the store has answered');
  });
  const transfer = new FolderStates(store, 'never-used');
  const activities = {
    ...createControlActivities(deps),
    ...createComputeActivities({
      ...deps,
      ...{ enginePool, transfer, stateCache: new StateCache(transfer), spoolFolder: 'never-used' },
    }),
  } as unknown as Record<Name, (input: unknown) => Promise<unknown>>;

  const ref = { uri: 's3://bucket/key', sha256: 'a'.repeat(64), byteLength: 1 };
  const policy = { snapshot: ref, log: [] };
  const input = {
    ...{ recipe: ref, dataset: ref, rollouts: [ref], plan: ref, arm: 'rl', seed: 0, step: 0, policy },
    ...{ experimentId: 'one', name: 'judge', revision: 1, by: 'somebody', runs: [] },
    candidate: { policy, checkpoint: ref, recipe: ref, dataset: ref, evaluations: [] },
  };
  /** Inputs that pass the checks made before the first store request. */
  const inputs: Partial<Record<Name, unknown>> = {
    prepare: { recipe: tinyRecipe({ sftStepCount: 4, grpoStepCount: 4 }), needed: 'data' },
    findCandidate: { experimentId: 'one' },
    calibrate: { recipe: ref, dataset: ref, checkpoint: ref, mode: 'think', judged: [] },
    keepEvaluations: { run: {}, evaluations: [{ manifest: ref, cached: false, computeMs: 0 }] },
    rollBack: { name: 'judge', revision: 1, by: 'somebody' },
  };

  it.each(names.filter((name) => signs[name] === 'waiting' || signs[name] === 'ending'))('%s', async (name) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const environment = new MockActivityEnvironment({}, { logger: silentLogger });
    let beatCount = 0;
    environment.on('heartbeat', () => beatCount++);
    const ended = environment.run(activities[name], inputs[name] ?? input).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(60_000);
    environment.cancel('CANCELLED');
    if (signs[name] === 'waiting') expect(await ended).toMatchObject({ name: 'CancelledFailure' });
    expect(beatCount).toBeGreaterThan(10);
  });
});
