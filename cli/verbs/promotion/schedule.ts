import type { ScheduleDescription, ScheduleHandle } from '@temporalio/client';
import type { Command } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import { commandText, print, printJson } from '../../show/output.ts';
import { durationText, overlapOf, overlapWords, scheduleName, timeOf, timesOf } from '../../temporal/schedule-words.ts';
import { changedSchedule, type RetrainingOptions, scheduledRetraining } from '../../temporal/scheduled-retraining.ts';
import {
  createSchedule,
  descriptionDocument,
  listSchedules,
  recentEnds,
  scheduleLink,
  summaryDocument,
  updateSchedule,
  withSchedule,
} from '../../temporal/schedules.ts';
import { type TemporalStack, withStack, withTemporal } from '../../temporal/stack.ts';
import { repeated } from '../../repeated.ts';

interface Json {
  readonly json?: boolean;
}

const jsonOption = ['--json', 'one JSON document on stdout'] as const;

export function addSchedule(schedule: Command): void {
  withRecipe(schedule.command('create').description('create a schedule that retrains with this recipe'), {
    ...{ overlap: 'skip', catchupWindow: '1h' },
  })
    .option('--paused', 'create it paused; `schedule unpause` starts it')
    .action(create);
  withRecipe(
    schedule
      .command('update')
      .description('change the recipe of a schedule, and the times and policies that are given'),
    {},
  ).action(update);
  schedule
    .command('list')
    .description('list all schedules')
    .option(...jsonOption)
    .action(list);
  schedule
    .command('describe')
    .description('show a schedule and its recent runs')
    .argument('<name>')
    .option(...jsonOption)
    .action(describe);
  for (const { verb, description, said, act } of plainVerbs) {
    schedule
      .command(verb)
      .description(description)
      .argument('<name>')
      .option(...jsonOption)
      .action((name: string, { json = false }: Json) => changed(name, json, said, (handle) => act(handle)));
  }
  schedule
    .command('backfill')
    .description('run the actions of a past period, one after the other')
    .argument('<name>')
    .requiredOption('--from <time>', 'ISO 8601')
    .requiredOption('--to <time>', 'ISO 8601')
    .option('--overlap <policy>', overlapWords.join(', '), 'buffer-all')
    .option(...jsonOption)
    .action(backfill);
}

function withRecipe(
  command: Command,
  { overlap, catchupWindow }: Pick<RetrainingOptions, 'overlap' | 'catchupWindow'>,
): Command {
  return command
    .argument('<name>')
    .requiredOption('--recipe <recipe>', 'a YAML or JSON file with `promotion`')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--cron <line>', "minute, hour, day, month, weekday: '0 3 * * *'")
    .option('--every <duration>', 'or an interval: 24h')
    .option('--timezone <name>', 'time zone of the cron line, such as Europe/Rome (default: UTC)')
    .option('--jitter <duration>', 'random delay of up to this long')
    .option('--overlap <policy>', `what to do while the previous run is open: ${overlapWords.join(', ')}`, overlap)
    .option('--catchup-window <duration>', 'starts missed within this window are caught up', catchupWindow)
    .option(...jsonOption);
}

const plainVerbs = [
  {
    verb: 'pause',
    description: 'pause a schedule; what is running continues',
    said: 'is paused',
    act: (handle: ScheduleHandle) => handle.pause('paused by mtrl'),
  },
  {
    verb: 'unpause',
    description: 'resume a paused schedule',
    said: 'is active again',
    act: (handle: ScheduleHandle) => handle.unpause('unpaused by mtrl'),
  },
  {
    verb: 'trigger',
    description: 'start a retraining now',
    said: 'was triggered',
    // Uses the schedule's own overlap policy; the client's default is to allow all.
    act: async (handle: ScheduleHandle) => handle.trigger((await handle.describe()).policies.overlap),
  },
  {
    verb: 'delete',
    description: 'delete the schedule; running retrainings continue, and promoted judges stay',
    said: 'is deleted; running retrainings continue',
    act: (handle: ScheduleHandle) => handle.delete(),
  },
] as const;

type RecipeOptions = RetrainingOptions & Json;

async function create(name: string, options: RecipeOptions & { readonly paused?: boolean }): Promise<void> {
  const scheduleId = scheduleName(name);
  const spec = timesOf(options);
  const { action, policies, workflowId } = scheduledRetraining(options);
  await withStack({ startMissing: true }, async (stack) => {
    const handle = await createSchedule(stack, {
      ...{ scheduleId, spec, policies, action: action(stack.settings.taskQueues.control, scheduleId) },
      state: { paused: options.paused ?? false },
    });
    await printDescription(await handle.describe(), stack, options, workflowId);
  });
}

async function update(name: string, options: RecipeOptions): Promise<void> {
  const retraining = scheduledRetraining(options);
  await withTemporal(async (stack) => {
    const { control } = stack.settings.taskQueues;
    const description = await updateSchedule(stack, name, (before) =>
      changedSchedule(before, control, options, retraining),
    );
    await printDescription(description, stack, options, retraining.workflowId);
  });
}

async function printDescription(
  description: ScheduleDescription,
  stack: TemporalStack,
  { json = false }: Json,
  workflowId?: string,
): Promise<void> {
  const ends = await recentEnds(stack, description);
  const document = descriptionDocument(description, ends, scheduleLink(stack, description.scheduleId));
  if (json) printJson(document);
  else print(descriptionText(document, workflowId));
}

async function list({ json = false }: Json): Promise<void> {
  await withTemporal(async (stack) => {
    const found = (await listSchedules(stack)).map(summaryDocument);
    if (json) printJson(found);
    else if (found.length === 0)
      print(`no schedule yet; \`${commandText('schedule', 'create')} --help\` tells how to make one`);
    else print(found.map(summaryLine).join('\n'));
  });
}

async function describe(name: string, options: Json): Promise<void> {
  await withTemporal(async (stack) => {
    await printDescription(await withSchedule(stack, name, (handle) => handle.describe()), stack, options);
  });
}

async function changed(
  name: string,
  json: boolean,
  said: string,
  change: (handle: ScheduleHandle, stack: TemporalStack) => Promise<void>,
): Promise<void> {
  await withTemporal(async (stack) => {
    await withSchedule(stack, name, (handle) => change(handle, stack));
    if (json) printJson({ name, status: said });
    else print(`${name} ${said}`);
  });
}

interface BackfillOptions extends Json {
  readonly from: string;
  readonly to: string;
  readonly overlap: string;
}

async function backfill(name: string, { from, to, overlap, json = false }: BackfillOptions): Promise<void> {
  const range = { start: timeOf('--from', from), end: timeOf('--to', to), overlap: overlapOf(overlap) };
  if (range.end <= range.start)
    throw new MtrlError('USAGE', '--to is not after --from', { where: 'schedule backfill', found: `${from} to ${to}` });
  await changed(name, json, `starts the runs of ${from} to ${to}`, async (handle) => {
    // For a schedule that does not exist the server reports a backfill as done.
    await handle.describe();
    await handle.backfill(range);
  });
}

function summaryLine({ name, times, paused, next }: ReturnType<typeof summaryDocument>): string {
  return `${name}  ${times}  ${paused ? 'paused' : `next ${next ?? 'never'}`}`;
}

function descriptionText(document: ReturnType<typeof descriptionDocument>, workflowId?: string): string {
  const { name, recipe, times, overlap, catchupWindowMs, jitterMs, paused, note, next, running, recent, link } =
    document;
  const jitter = jitterMs > 0 ? `, up to ${durationText(jitterMs)} later` : '';
  return [
    `${name}: recipe ${recipe ?? '(made by hand)'}, ${times}${jitter}`,
    `overlap ${overlap}, catch-up window ${durationText(catchupWindowMs)}`,
    paused ? `paused${note === null || note === '' ? '' : `: ${note}`}` : `next ${next[0] ?? 'never'}`,
    ...(workflowId === undefined ? [] : [`each retraining runs as ${workflowId}`]),
    ...running.map((id) => `running ${id}`),
    ...recent.map(({ takenAt, workflowId: id, status = 'unknown', outcome = null }) =>
      [takenAt, id, endText(status, outcome)].join('  '),
    ),
    ...(link === null ? [] : [link]),
  ].join('\n');
}

/** The retraining's own outcome if it has completed, else Temporal's status. */
function endText(status: string, outcome: string | null): string {
  return status === 'completed' && outcome !== null ? outcome : status;
}
