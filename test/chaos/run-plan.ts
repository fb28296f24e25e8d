/** Runs a small experiment under a chaos plan, and says what came of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import type { ExperimentResult } from '../../contract/workflows.ts';
import { describeError } from '../../core/errors.ts';
import { withTemporalClient } from '../../infra/stack/temporal-client.ts';
import type { ExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { repeatedActivities } from '../support/repeated-activities.ts';
import { type ChaosPlan, strikesAt } from './chaos-plan.ts';
import type { ChaosServers } from './chaos-servers.ts';
import { ChaosStack } from './chaos-stack.ts';
import type { Fault } from './fault.ts';
import { type FaultName, faults } from './fault-table.ts';
import { problemsOf } from './object-history.ts';
import type { StoreProxyHooks } from './store-proxy.ts';

/** What must not depend on faults. */
export interface Bits {
  readonly dataset: string;
  /** Digest of each run's final policy. */
  readonly policies: Readonly<Record<string, string>>;
  /** Scores of each run's evaluations, as in the report. */
  readonly scores: Readonly<Record<string, unknown>>;
}

export interface Outcome {
  readonly seed: number;
  readonly wallMs: number;
  readonly requestCount: number;
  /** Faults that met something. */
  readonly fired: readonly FaultName[];
  /** From each crash to the next activity that finished. */
  readonly recoveries: readonly { readonly fault: FaultName; readonly ms: number }[];
  /** Attempts at activities beyond the first. */
  readonly repeatedCount: number;
  /** undefined if the experiment did not end. */
  readonly bits: Bits | undefined;
  /** What must not be: it did not end, something in the store is damaged, writes that no order explains. */
  readonly problems: readonly string[];
}

/** It ends a plan that hangs: the undisturbed experiment takes half a minute on two cores. */
const endsWithinMs = 14 * 60_000;
const noticedMs = 50;

const recipe = tinyRecipe({ sftStepCount: 10, grpoStepCount: 8 });

export async function runPlan(servers: ChaosServers, plan: ChaosPlan, build: string): Promise<Outcome> {
  const name = `chaos-${String(plan.seed)}-${String(Date.now())}`;
  const from = performance.now();
  const strikes: Promise<void>[] = [];
  const fired: FaultName[] = [];
  const crashes: { fault: FaultName; atMs: number }[] = [];
  const left = new Set(plan.commands);
  const onRequest: StoreProxyHooks['onRequest'] = async (request, side) => {
    for (const command of left) {
      if (!strikesAt(command, request, side)) continue;
      left.delete(command);
      const { fault: faultName, strength } = command;
      const fault: Fault = faults[faultName];
      const strike = fault.strike(stack, strength).then((met) => {
        if (met) fired.push(faultName);
      });
      strikes.push(strike);
      if (fault.isCrash) crashes.push({ fault: faultName, atMs: performance.now() });
      const isSentLater = side === 'before' && fault.isPause === true && request.sender === fault.victim;
      // A killed process's connections are seen closed.
      await (isSentLater ? strike : sleep(noticedMs));
    }
  };
  const stack: ChaosStack = await ChaosStack.start(servers, name, { build, hooks: { onRequest } });
  try {
    const result = await resultOf(stack, name, performance.now() + endsWithinMs);
    await Promise.all(strikes);
    const { history, requestCount } = stack.storeProxy;
    const finishes = history
      .filter(({ key, outcome }) => key.startsWith('manifests/') && outcome === 'written')
      .map(({ to }) => to);
    return {
      seed: plan.seed,
      wallMs: Math.round(performance.now() - from),
      requestCount,
      fired,
      recoveries: crashes.flatMap(({ fault, atMs }) => {
        const next = finishes.find((finish) => finish > atMs);
        return next === undefined ? [] : [{ fault, ms: Math.round(next - atMs) }];
      }),
      ...(await judged(stack, name, result)),
    };
  } finally {
    await stack.stop();
  }
}

async function judged(
  { settings, storeProxy, control, compute }: ChaosStack,
  name: string,
  result: ExperimentResult | string,
): Promise<Pick<Outcome, 'bits' | 'problems' | 'repeatedCount'>> {
  const inHistory = problemsOf(storeProxy.history).map(({ key, found }) => `${key}: ${found}`);
  if (typeof result === 'string') {
    const lastWords = Object.entries({ control, compute })
      .filter(([, worker]) => worker.lastWords !== '')
      .map(([worker, { lastWords: text }]) => `the ${worker} worker printed: ${text.trim()}`);
    return { bits: undefined, problems: [result, ...inHistory, ...lastWords], repeatedCount: 0 };
  }
  const store = openArtifactStore(settings.s3);
  const { runs } = (await store.getJson(result.index)) as ExperimentIndex;
  const { problems } = await verifyArtifacts(store, [result.index]);
  const damaged = problems.map(({ uri, expected, found }) => `${uri}: expected ${expected}, found ${found}`);
  const workflows = [name, ...runs.map(({ plan }) => `${name}/${plan.runName}`)];
  return {
    bits: {
      dataset: result.dataset.sha256,
      policies: Object.fromEntries(runs.map(({ plan, checkpoint }) => [plan.runName, checkpoint.sha256])),
      scores: Object.fromEntries(
        runs.map(({ plan, evaluations }) => [plan.runName, evaluations.map(({ scores }) => scores)]),
      ),
    },
    problems: [...damaged, ...inHistory],
    repeatedCount: await withTemporalClient(settings.temporal, async (client) => {
      const counts = await Promise.all(workflows.map((id) => repeatedAttempts(client, id)));
      return counts.reduce((sum, count) => sum + count, 0);
    }),
  };
}

/** The result of the experiment, or why there is none. The servers may be down at any time. */
async function resultOf(stack: ChaosStack, id: string, deadline: number): Promise<ExperimentResult | string> {
  const { temporal, taskQueues } = stack.settings;
  let last = 'not started';
  while (performance.now() < deadline) {
    try {
      return await withTemporalClient(temporal, async (client) => {
        const handle = await client.workflow
          .start('experiment', {
            workflowId: id,
            taskQueue: taskQueues.control,
            args: [recipe],
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
          })
          .catch(() => client.workflow.getHandle(id));
        while (performance.now() < deadline) {
          const { status } = await handle.describe();
          if (status.name === 'COMPLETED') return (await handle.result()) as ExperimentResult;
          if (status.name !== 'RUNNING') return `the experiment ended as ${status.name}: ${await reasonOf(handle)}`;
          await sleep(200);
        }
        return 'the experiment did not end';
      });
    } catch (error) {
      last = describeError(error);
      await sleep(500);
    }
  }
  return `the experiment did not end; Temporal: ${last}`;
}

async function reasonOf(handle: { result(): Promise<unknown> }): Promise<string> {
  return handle.result().then(
    () => 'none',
    (error: unknown) => {
      const { cause } = error as { cause?: unknown };
      return describeError(cause ?? error);
    },
  );
}

async function repeatedAttempts(client: Client, workflowId: string): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return repeatedActivities(events).length;
}
