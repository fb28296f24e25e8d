/** Artifacts of an experiment so far: from its result if it is done, else from its progress. */
import type { PolicyState } from '../../contract/activities.ts';
import { type ExperimentIndex, findExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { isNotFound } from '../../core/errors.ts';
import type { AnswerMode } from '../../judge/example.ts';
import { indexOf, resultOf } from './outcome.ts';
import type { Stack } from '../temporal/stack.ts';
import { standingOf } from './standing.ts';

export interface MadeRun {
  readonly runName: string;
  readonly arm: string;
  readonly checkpoint: ArtifactRef;
  /** Only for a run that has ended. */
  readonly policy?: PolicyState;
  /** The policy after its last step, if validation selected another. */
  readonly lastPolicy?: PolicyState;
  /** Answer mode; only for a run that has ended. */
  readonly mode?: AnswerMode;
}

export interface MadeByExperiment {
  readonly status: string;
  readonly report: ArtifactRef | undefined;
  readonly runs: readonly MadeRun[];
  /** All artifacts named anywhere in the result or progress. */
  readonly refs: readonly ArtifactRef[];
}

/** An experiment unknown to Temporal (imported, or past its retention) is read from its index. Throws NOT_FOUND. */
export async function madeBy(stack: Stack, experimentId: string): Promise<MadeByExperiment> {
  const found = await standingOf(stack.client, experimentId).catch(async (error: unknown) => {
    const index = isNotFound(error) ? await findExperimentIndex(stack.store, experimentId) : undefined;
    if (index === undefined) throw error;
    return index;
  });
  if ('report' in found) return madeIn('COMPLETED', found);
  const { status, progress } = found;
  if (status === 'COMPLETED') return madeIn(status, await indexOf(stack, await resultOf(stack, experimentId)));
  const runs = (progress?.runs ?? []).map(({ runName, arm, checkpoint }) => ({ runName, arm, checkpoint }));
  return { status, report: progress?.report, runs, refs: refsIn(progress) };
}

function madeIn(status: string, made: Pick<ExperimentIndex, 'report' | 'runs'>): MadeByExperiment {
  // The policy of an endpoint is not here to be exported or asked.
  const own = made.runs.filter(({ plan }) => plan.endpoint === undefined);
  const runs = own.map(({ plan, checkpoint, policy, selection }) => ({
    ...{ runName: plan.runName, arm: plan.arm, mode: plan.mode },
    ...{ checkpoint, policy, ...(selection && { lastPolicy: selection.lastPolicy }) },
  }));
  return { status, report: made.report, runs, refs: refsIn(made) };
}

/** Artifact refs anywhere in a JSON value, each URI once. */
export function refsIn(value: unknown): ArtifactRef[] {
  const found = new Map<string, ArtifactRef>();
  const look = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (isRef(node)) found.set(node.uri, node);
    Object.values(node).forEach(look);
  };
  look(value);
  return [...found.values()];
}

function isRef(node: object): node is ArtifactRef {
  const { uri, sha256, byteLength } = node as Partial<Record<keyof ArtifactRef, unknown>>;
  return typeof uri === 'string' && typeof sha256 === 'string' && typeof byteLength === 'number';
}
