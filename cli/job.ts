/** A job: a workflow that is started, shown and waited for by one verb (ingest, evaluate, judge). */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { JobProgress } from '../workflows/job-tracker.ts';
import type { EvaluatePolicyResult, IngestOnlyResult, JudgeBatchResult } from '../workflows/types.ts';
import { Interrupted, onInterrupt } from './follow.ts';
import { codedEnd } from './outcome.ts';
import { say } from './output.ts';
import { type Stack, uiLink } from './stack.ts';

interface JobResults {
  readonly ingestOnly: IngestOnlyResult;
  readonly evaluatePolicy: EvaluatePolicyResult;
  readonly judgeBatch: JudgeBatchResult;
}

export interface Job<T extends keyof JobResults> {
  /** The workflow's type. */
  readonly type: T;
  /** Stands in its id. */
  readonly name: string;
  readonly input: unknown;
}

const askMs = 1_000;
const queryTimeoutMs = 4_000;

/** Progress goes to stderr, a line a change. Throws the coded error that ended it, or Interrupted: the job itself goes on. */
export async function runJob<T extends keyof JobResults>(
  stack: Stack,
  { type, name, input }: Job<T>,
): Promise<{ readonly workflowId: string; readonly result: JobResults[T] }> {
  const { client, settings } = stack;
  const workflowId = `${words[type]}-${name}-${new Date().toISOString().slice(0, 23).replace(/[-:.]/g, '')}`;
  const interrupted = onInterrupt();
  const ended = new AbortController();
  try {
    const handle = await client.workflow.start(type, {
      workflowId,
      taskQueue: settings.taskQueues.control,
      args: [input],
      typedSearchAttributes: [{ key: defineSearchAttributeKey('MtrlState', 'KEYWORD'), value: 'preparing' }],
      staticSummary: `${words[type]} ${name}`,
    });
    const link = uiLink(settings, workflowId);
    say(`started ${workflowId}${link === undefined ? '' : `\n${link}`}`);
    const result = (handle.result() as Promise<JobResults[T]>).catch((error: unknown) => {
      throw codedEnd(error, workflowId, 'start it again: what was done is found');
    });
    result.catch(() => undefined);
    void showProgress(stack, workflowId, ended.signal);
    return { workflowId, result: await Promise.race([result, interrupted.promise]) };
  } catch (error) {
    if (error instanceof Interrupted)
      say(`\n${workflowId} goes on in Temporal; the same command finds what it has done`);
    throw error;
  } finally {
    ended.abort();
    interrupted.stop();
  }
}

const words = { ingestOnly: 'ingest', evaluatePolicy: 'evaluate', judgeBatch: 'judge' } as const;

/** Showing is a courtesy: what cannot be asked is asked again, and the result is waited for all the same. */
async function showProgress({ client }: Stack, workflowId: string, ended: AbortSignal): Promise<void> {
  let last = '';
  const isOver = (): boolean => ended.aborted;
  while (!isOver()) {
    const progress = await client
      .withDeadline(Date.now() + queryTimeoutMs, () =>
        client.workflow.getHandle(workflowId).query<JobProgress>('progress'),
      )
      .catch(() => undefined);
    const line = progress === undefined ? last : `${progress.state}: ${progress.phase}`;
    if (line !== last && !isOver()) say(line);
    last = line;
    await sleep(askMs, undefined, { signal: ended }).catch(() => undefined);
  }
}
