import type { Command } from 'commander';
import { describeError, MtrlError } from '../../../core/errors.ts';
import { livingDaemon } from '../../../infra/process/daemon.ts';
import { readSettings } from '../../../infra/stack/settings.ts';
import { unpolledQueues, unpolledText, workflowsOf } from '../../../infra/stack/unpolled-queues.ts';
import { waitingReason, workerNames } from '../../../infra/stack/workers.ts';
import { barLines } from '../../show/bars.ts';
import { failingText, failingWorkflows } from '../../temporal/failing-workflows.ts';
import { workflowsOfExperiment } from '../../temporal/workflow-roots.ts';
import { resultOf } from '../../show/outcome.ts';
import { commandText, paintFor, print, printJson, say } from '../../show/output.ts';
import { Rates, timeText } from '../../show/rates.ts';
import { type TemporalStack, uiLink, withTemporal } from '../../temporal/stack.ts';
import { type Standing, standingOf } from '../../show/standing.ts';

export function addStatus(command: Command): void {
  command
    .argument('[id]')
    .option('--json', 'one JSON document on stdout')
    .option('--task-queue', 'print only the name of the task queue, for the `temporal` command')
    .action(async (experimentId: string | undefined, options: { json?: boolean; taskQueue?: boolean }) => {
      const { json = false } = options;
      if (options.taskQueue === true) {
        print(readSettings().taskQueues.control);
        return;
      }
      await withTemporal(async (stack) => {
        for (const line of waitingWorkers(stack.settings.home)) say(line);
        const { client, settings } = stack;
        const workflows = experimentId === undefined ? workflowsOf(settings) : workflowsOfExperiment(experimentId);
        // Not what was asked for: a slow answer of the server does not hold up the status.
        const unpolled = await unpolledQueues(client, workflows).catch(() => []);
        for (const queue of unpolled) say(unpolledText(queue, settings.taskQueues));
        if (experimentId === undefined) return listExperiments(stack, json);
        const standing = await standingOf(stack.client, experimentId);
        const error = await failureOf(stack, standing);
        const failing = standing.isOpen ? await failingWorkflows(stack.client, experimentId) : [];
        if (json) {
          printJson({
            ...documentOf(standing, stack),
            unpolledQueues: unpolled,
            failing: failing.map(({ workflowId, message }) => ({ workflowId, message })),
            error: error === undefined ? null : { code: error.code, message: error.message },
          });
          return;
        }
        printStanding(standing, stack);
        for (const workflow of failing) print(failingText(workflow));
        if (failing.length > 0)
          print(
            `cancel them with \`${commandText('cancel', experimentId)}\`, or start again with \`${commandText('resume', experimentId)}\``,
          );
        if (error !== undefined)
          print(
            `${describeError(error)}\n  then  \`${commandText('resume', experimentId)}\` continues from the stored steps`,
          );
      });
    });
}

/** One line for each worker that runs but does not poll, with the reason. */
function waitingWorkers(home: string): string[] {
  return workerNames.flatMap((name) => {
    const worker = livingDaemon(home, name);
    const reason = worker && waitingReason(home, worker, name);
    return reason === undefined ? [] : [`the ${name} worker accepts no work: ${reason}`];
  });
}

/** Why an experiment failed; undefined if it did not. The failure is shown, not thrown. */
async function failureOf(stack: TemporalStack, { experimentId, status }: Standing): Promise<MtrlError | undefined> {
  if (status !== 'FAILED') return undefined;
  const error: unknown = await resultOf(stack, experimentId).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof MtrlError ? error : undefined;
}

function printStanding(standing: Standing, { settings }: TemporalStack): void {
  const view = {
    nowMs: Date.now(),
    columnCount: process.stdout.columns || 120,
    rates: new Rates(),
    paint: paintFor(process.stdout),
  };
  print(barLines(standing, view).join('\n'));
  const link = uiLink(settings, standing.experimentId);
  if (link !== undefined) print(link);
}

function documentOf({ experimentId, status, startedAt, closedAt, progress }: Standing, { settings }: TemporalStack) {
  return {
    experimentId,
    workflowId: experimentId,
    status: status.toLowerCase(),
    startedAt: startedAt.toISOString(),
    closedAt: closedAt?.toISOString() ?? null,
    link: uiLink(settings, experimentId) ?? null,
    taskQueue: settings.taskQueues.control,
    /** null if no worker answers. */
    progress: progress ?? null,
  };
}

const listedCountMax = 50;

async function listExperiments({ client }: TemporalStack, json: boolean): Promise<void> {
  const found = [];
  for await (const { workflowId, status, startTime, closeTime } of client.workflow.list({
    query: `WorkflowType = 'experiment'`,
    pageSize: listedCountMax,
  })) {
    found.push({
      experimentId: workflowId,
      status: status.name.toLowerCase(),
      startedAt: startTime,
      closedAt: closeTime ?? null,
    });
    if (found.length === listedCountMax) break;
  }
  if (json) {
    printJson(found);
    return;
  }
  if (found.length === 0) {
    print('no experiments yet');
    return;
  }
  const width = Math.max(...found.map(({ experimentId }) => experimentId.length));
  for (const { experimentId, status, startedAt, closedAt } of found) {
    const took = timeText((closedAt ?? new Date()).getTime() - startedAt.getTime());
    print(
      `${experimentId.padEnd(width)}  ${status.padEnd(10)}  ${startedAt.toISOString().slice(0, 16).replace('T', ' ')}  ${took}`,
    );
  }
}
