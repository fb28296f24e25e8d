import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Command } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import type { RetrainInput, RetrainResult } from '../../../contract/promotion.ts';
import { type Job, runJob, startJob } from '../../temporal/job.ts';
import { commandText, print, printJson } from '../../show/output.ts';
import { loadRetrainRecipe, retrainWorkflowId } from '../../temporal/retrainings.ts';
import { uiLink, withStack } from '../../temporal/stack.ts';
import { repeated } from '../../repeated.ts';

interface RetrainOptions {
  readonly set: readonly string[];
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addRetrain(command: Command): void {
  command
    .argument('<recipe>', 'a YAML or JSON file with `promotion`')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--wait', 'show progress until it ends')
    .option('--json', 'one JSON document on stdout')
    .action(retrain);
}

async function retrain(file: string, { set, wait = false, json = false }: RetrainOptions): Promise<void> {
  const { recipe, promotion } = loadRetrainRecipe(file, set);
  const input: RetrainInput = { recipe };
  const job = { type: 'retrain', name: promotion.name, input, workflowId: retrainWorkflowId(promotion) } as const;
  await withStack({ startMissing: true }, async (stack) => {
    if (wait) {
      const { workflowId, result } = await runJob(stack, job).catch(conflict(job));
      if (json) printJson({ workflowId, status: 'completed', ...result });
      else print(outcomeText(result));
      return;
    }
    const workflowId = await startJob(stack, job).catch(conflict(job));
    const link = uiLink(stack.settings, workflowId) ?? null;
    if (json) printJson({ workflowId, status: 'running', link });
    else print('it continues in Temporal');
  });
}

function conflict({ workflowId }: Pick<Job<'retrain'>, 'workflowId'>): (error: unknown) => never {
  return (cause) => {
    if (!(cause instanceof WorkflowExecutionAlreadyStartedError)) throw cause;
    throw new MtrlError('RETRAIN_CONFLICT', 'a retraining of this name is already running', {
      where: `workflow ${workflowId ?? ''}`,
      hint: 'wait for it, or cancel it: `temporal workflow cancel --workflow-id ...`',
      cause,
    });
  };
}

function outcomeText({ outcome, why, sources, experimentId }: RetrainResult): string {
  const report =
    experimentId === undefined ? [] : [`\`${commandText('report', experimentId)}\` shows what was trained`];
  return [`${outcome}: ${why}`, ...sources.map(({ path, state }) => `  ${state.padEnd(7)} ${path}`), ...report].join(
    '\n',
  );
}
