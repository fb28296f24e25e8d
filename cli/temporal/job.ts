/** A job: a workflow that one verb starts, shows and awaits (ingest, evaluate, judge, promote, rollback, retrain). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobProgress } from '../../contract/progress.ts';
import type { GatedPromotion, RetrainResult, RollbackResult } from '../../contract/promotion.ts';
import type { EvaluatePolicyResult, IngestOnlyResult, JudgeBatchResult } from '../../contract/workflows.ts';
import { onInterrupt } from '../show/follow.ts';
import { Interrupted } from '../show/interrupted.ts';
import { ingestPhase } from '../ingest-phase.ts';
import { retryText } from '../retry-text.ts';
import { codedEnd } from '../show/outcome.ts';
import { commandText, say } from '../show/output.ts';
import { patiently } from './patience.ts';
import { decoded } from './decoded.ts';
import { memoOf, type Stack, uiLink } from './stack.ts';
import { searchAttributes } from '../../contract/search-attributes.ts';

interface JobResults {
  readonly ingestOnly: IngestOnlyResult;
  readonly evaluatePolicy: EvaluatePolicyResult;
  readonly judgeBatch: JudgeBatchResult;
  readonly promote: GatedPromotion;
  readonly rollback: RollbackResult;
  readonly retrain: RetrainResult;
}

export interface Job<T extends keyof JobResults> {
  /** The workflow's type. */
  readonly type: T;
  /** Part of the workflow id. */
  readonly name: string;
  readonly input: unknown;
  /** Fixed id for jobs of which only one may run at a time; default: a new id. */
  readonly workflowId?: string;
}

const askMs = 1_000;
const queryTimeoutMs = 4_000;

/**
 * Runs a job and prints its progress to stderr, one line per change. Throws the job's failure as a coded error, or
 * Interrupted; then the job continues.
 */
export async function runJob<T extends keyof JobResults>(
  stack: Stack,
  job: Job<T>,
): Promise<{ readonly workflowId: string; readonly result: JobResults[T] }> {
  const interrupted = onInterrupt();
  const ended = new AbortController();
  const workflowId = await startJob(stack, job);
  try {
    const handle = stack.client.workflow.getHandle(workflowId);
    const result = patiently(() => handle.result() as Promise<JobResults[T]>).catch((error: unknown) => {
      throw codedEnd(error, workflowId, 'start it again: finished work is reused');
    });
    result.catch(() => undefined);
    void showProgress(stack, workflowId, ended.signal);
    return { workflowId, result: await Promise.race([result, interrupted.promise]) };
  } catch (error) {
    if (error instanceof Interrupted)
      say(`\n${workflowId} continues in Temporal; run the command again later: finished work is reused`);
    throw error;
  } finally {
    ended.abort();
    interrupted.stop();
  }
}

/** Starts a job and prints its id and link. Throws WorkflowExecutionAlreadyStartedError if `workflowId` is running. */
export async function startJob<T extends keyof JobResults>(
  { client, settings }: Stack,
  { type, name, input, ...job }: Job<T>,
): Promise<string> {
  const time = new Date().toISOString().slice(0, 23).replace(/[-:.]/g, '');
  const { workflowId = `${words[type]}-${name}-${time}` } = job;
  await client.workflow.start(type, {
    workflowId,
    taskQueue: settings.taskQueues.control,
    args: [input],
    typedSearchAttributes: [{ key: searchAttributes.state, value: 'preparing' }],
    staticSummary: `${words[type]} ${name}`,
    ...memoOf(settings),
  });
  const link = uiLink(settings, workflowId);
  say(`started ${workflowId}${link === undefined ? '' : `\n${link}`}`);
  return workflowId;
}

const words = {
  ...{ ingestOnly: 'ingest', evaluatePolicy: 'evaluate', judgeBatch: 'judge' },
  ...{ promote: 'promote', rollback: 'rollback', retrain: 'retrain' },
} as const;

/** Prints progress until the job ends. It is only for display: after a failed query the next one tries again. */
async function showProgress({ client }: Stack, workflowId: string, ended: AbortSignal): Promise<void> {
  let last = '';
  let lastRetry: string | undefined;
  const isOver = (): boolean => ended.aborted;
  while (!isOver()) {
    const progress = await client
      .withDeadline(Date.now() + queryTimeoutMs, () =>
        client.workflow.getHandle(workflowId).query<JobProgress>('progress'),
      )
      .catch(() => undefined);
    const pending = await pendingActivitiesOf(client, workflowId);
    const phase = progress?.state === 'ingesting' ? ingestPhase(pending) : undefined;
    const line = progress === undefined ? last : `${progress.state}: ${phase ?? progress.phase}`;
    if (line !== last && !isOver()) say(progress?.state === 'waiting' ? `${line}\n${answersOf(workflowId)}` : line);
    last = line;
    const retry = retryText(pending);
    if (retry !== undefined && retry !== lastRetry && !isOver()) say(retry);
    lastRetry = retry ?? lastRetry;
    await sleep(askMs, undefined, { signal: ended }).catch(() => undefined);
  }
}

async function pendingActivitiesOf(client: Stack['client'], workflowId: string) {
  const described = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch(() => undefined);
  const pending = described?.raw.pendingActivities ?? [];
  return Promise.all(
    pending.map(async ({ heartbeatDetails, ...activity }) => ({
      ...activity,
      heartbeatDetails: { payloads: await decoded(client, heartbeatDetails?.payloads ?? []) },
    })),
  );
}

function answersOf(workflowId: string): string {
  return `answer with \`${commandText('approve', workflowId)}\` or \`${commandText('reject', workflowId)}\``;
}
