/** Result of an experiment, and the JSON document that `run --wait --json` prints for it (DESIGN section 9). */
import { WorkflowContinuedAsNewError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import type { PixelBaseline } from '../../contract/pixel-baselines.ts';
import type { CacheCount, TaskScores } from '../../contract/activities.ts';
import type { CeilingReached } from '../../contract/ceilings.ts';
import type { Incidents } from '../../contract/guards.ts';
import type { RunSelection } from '../../contract/validation.ts';
import { type ExperimentIndex, experimentIndexFormat } from '../../pipeline/reporting/experiment-index.ts';
import { isErrorCode, MtrlError } from '../../core/errors.ts';
import type { ExperimentResult } from '../../contract/workflows.ts';
import { commandText } from './output.ts';
import { patiently } from '../temporal/patience.ts';
import type { Stack } from '../temporal/stack.ts';

export interface ExperimentDocument {
  readonly experimentId: string;
  readonly workflowId: string;
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly reportPath: string | null;
  readonly arms: readonly {
    readonly arm: string;
    readonly seed: number;
    readonly policy: { readonly uri: string; readonly sha256: string };
    readonly steps: number;
    readonly wallMs: number;
    /** Of an arm with validation. */
    readonly selection?: Omit<RunSelection, 'lastPolicy' | 'plateau'>;
    /** Of a run whose guards acted. */
    readonly incidents?: Incidents;
    /** Of a run that ended before its last step because of it. */
    readonly ceiling?: CeilingReached;
    readonly tasks: readonly TaskScores[];
  }[];
  readonly pixelBaselines?: readonly PixelBaseline[];
  readonly absent?: ExperimentIndex['absent'];
  readonly cache: CacheCount;
  readonly wallMs: number | null;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Waits for the end of the experiment. Throws its failure as a coded error. */
export async function resultOf({ client }: Pick<Stack, 'client'>, experimentId: string): Promise<ExperimentResult> {
  try {
    return await patiently(() => client.workflow.getHandle(experimentId).result() as Promise<ExperimentResult>);
  } catch (error) {
    throw codedEnd(
      error,
      `experiment ${experimentId}`,
      `\`${commandText('resume', experimentId)}\` continues from the stored steps`,
    );
  }
}

/** Converts a workflow's failure to a coded error; `hint` is for a cancelled or terminated one. */
export function codedEnd(error: unknown, where: string, hint: string): unknown {
  if (error instanceof WorkflowNotFoundError) {
    return new MtrlError('NOT_FOUND', 'Temporal no longer knows this workflow', {
      where,
      found: 'it was deleted during the wait, or the server has another database',
      hint: `\`${commandText('status')}\` lists all experiments; start it again: finished work is reused`,
      cause: error,
    });
  }
  if (!(error instanceof WorkflowFailedError) || error instanceof WorkflowContinuedAsNewError) return error;
  const { cause } = error;
  if (cause instanceof CancelledFailure)
    return new MtrlError('CANCELLED', 'it was cancelled', { where, hint, cause: error });
  if (cause instanceof TerminatedFailure)
    return new MtrlError('CANCELLED', 'it was terminated', { where, hint, cause: error });
  if (!(cause instanceof ApplicationFailure)) return error;
  const code = cause.type ?? '';
  return new MtrlError(isErrorCode(code) ? code : 'INVARIANT', cause.message, { cause: error });
}

/** Results of all runs, read from the store: the workflow returns only a ref to them. */
export async function indexOf({ store }: Pick<Stack, 'store'>, { index }: ExperimentResult): Promise<ExperimentIndex> {
  return await store.getDocument(index, experimentIndexFormat);
}

export function documentOf(
  { experimentId, cache, wallMs, runs, pixelBaselines, absent }: ExperimentIndex,
  reportPath: string,
): ExperimentDocument {
  const arms = runs.map(({ plan, checkpoint, wallMs: runMs, evaluations, selection, incidents, ceiling }) => ({
    arm: plan.arm,
    seed: plan.seed,
    policy: { uri: checkpoint.uri, sha256: checkpoint.sha256 },
    steps: plan.stepCount,
    wallMs: runMs,
    ...(selection && { selection: withoutState(selection) }),
    ...(incidents && { incidents }),
    ...(ceiling && { ceiling }),
    tasks: evaluations.map(({ scores }) => scores),
  }));
  const made = { experimentId, workflowId: experimentId, status: 'completed', reportPath, arms } as const;
  return { ...made, ...(pixelBaselines && { pixelBaselines }), ...(absent && { absent }), cache, wallMs };
}

function withoutState({ lastPolicy: _, plateau: _plateau, ...selection }: RunSelection) {
  return selection;
}

export function failureDocument(experimentId: string, error: MtrlError): ExperimentDocument {
  const status = error.code === 'CANCELLED' ? 'cancelled' : 'failed';
  const { code, message } = error;
  return {
    experimentId,
    workflowId: experimentId,
    status,
    reportPath: null,
    arms: [],
    cache: { hits: 0, misses: 0 },
    wallMs: null,
    error: { code, message },
  };
}
