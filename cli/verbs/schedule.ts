import type { ScheduleHandle } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { Command } from 'commander';
import { MtrlError } from '../../core/errors.ts';
import type { RetrainInput } from '../../workflows/retrain-types.ts';
import { commandText, print, printJson } from '../output.ts';
import { loadRetrainRecipe, retrainWorkflowId } from '../retrainings.ts';
import {
  durationMs,
  durationText,
  overlapOf,
  overlapWords,
  scheduleName,
  timeOf,
  timesOf,
  type TimesOptions,
} from '../schedule-words.ts';
import {
  createSchedule,
  descriptionDocument,
  listSchedules,
  retrainType,
  scheduleLink,
  summaryDocument,
  withSchedule,
} from '../schedules.ts';
import { type TemporalStack, withStack, withTemporal } from '../stack.ts';

interface Json {
  readonly json?: boolean;
}

interface CreateOptions extends TimesOptions, Json {
  readonly recipe: string;
  readonly set: readonly string[];
  readonly overlap: string;
  readonly catchupWindow: string;
  readonly paused?: boolean;
}

const jsonOption = ['--json', 'one JSON document on stdout'] as const;

export function addSchedule(program: Command): void {
  const schedule = program.command('schedule').description('retrain by a clock: the promoted judge on new data');
  schedule
    .command('create')
    .description('retrain by this recipe at these times')
    .argument('<name>')
    .requiredOption('--recipe <recipe>', 'a YAML or JSON file with `promotion`')
    .option('--set <path=value>', 'change the recipe (repeatable)', (value, all: string[]) => [...all, value], [])
    .option('--cron <line>', "minute, hour, day, month, weekday: '0 3 * * *'")
    .option('--every <duration>', 'or an interval: 24h')
    .option('--timezone <name>', 'of the cron line, as Europe/Rome (default: UTC)')
    .option('--jitter <duration>', 'start up to this much later, by chance')
    .option('--overlap <policy>', `when the last one still runs: ${overlapWords.join(', ')}`, 'skip')
    .option('--catchup-window <duration>', 'times missed while Temporal was down are made up for this long', '1h')
    .option('--paused', 'nothing is started until `schedule unpause`')
    .option(...jsonOption)
    .action(create);
  schedule
    .command('list')
    .description('all schedules')
    .option(...jsonOption)
    .action(list);
  schedule
    .command('describe')
    .description('when it starts what, and what it has started')
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
    .description('start what the schedule would have started between two times, one after the other')
    .argument('<name>')
    .requiredOption('--from <time>', 'ISO 8601')
    .requiredOption('--to <time>', 'ISO 8601')
    .option('--overlap <policy>', overlapWords.join(', '), 'buffer-all')
    .option(...jsonOption)
    .action(backfill);
}

const plainVerbs = [
  {
    verb: 'pause',
    description: 'start nothing until `unpause`; what runs goes on',
    said: 'is paused',
    act: (handle: ScheduleHandle) => handle.pause('paused by mtrl'),
  },
  {
    verb: 'unpause',
    description: 'start at its times again',
    said: 'starts at its times again',
    act: (handle: ScheduleHandle) => handle.unpause('unpaused by mtrl'),
  },
  {
    verb: 'trigger',
    description: 'start a retraining now',
    said: 'was triggered',
    // Its own policy, where the client would overlap.
    act: async (handle: ScheduleHandle) => handle.trigger((await handle.describe()).policies.overlap),
  },
  {
    verb: 'delete',
    description: 'forget the schedule; what runs goes on, and what was promoted stays',
    said: 'is deleted; what it has started goes on',
    act: (handle: ScheduleHandle) => handle.delete(),
  },
] as const;

async function create(name: string, options: CreateOptions): Promise<void> {
  const scheduleId = scheduleName(name);
  const { recipe, parsed, promotion } = loadRetrainRecipe(options.recipe, options.set);
  const spec = timesOf(options);
  const policies = {
    overlap: overlapOf(options.overlap),
    catchupWindow: durationMs('--catchup-window', options.catchupWindow),
  };
  const input: RetrainInput = { recipe };
  await withStack({ startMissing: true }, async (stack) => {
    const handle = await createSchedule(stack, {
      ...{ scheduleId, spec, policies },
      action: {
        type: 'startWorkflow',
        workflowType: retrainType,
        workflowId: `scheduled/${scheduleId}`,
        taskQueue: stack.settings.taskQueues.control,
        args: [input],
        typedSearchAttributes: [{ key: defineSearchAttributeKey('MtrlRecipe', 'KEYWORD'), value: parsed.name }],
        staticSummary: `${promotion.name} retrained by schedule ${scheduleId}`,
      },
      state: { paused: options.paused ?? false },
    });
    const document = descriptionDocument(await handle.describe(), scheduleLink(stack, scheduleId));
    if (options.json === true) printJson(document);
    else print(descriptionText(document, retrainWorkflowId(promotion)));
  });
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

async function describe(name: string, { json = false }: Json): Promise<void> {
  await withTemporal(async (stack) => {
    const description = await withSchedule(stack, name, (handle) => handle.describe());
    const document = descriptionDocument(description, scheduleLink(stack, name));
    if (json) printJson(document);
    else print(descriptionText(document));
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
  await changed(name, json, `starts what it would have started from ${from} to ${to}`, async (handle) => {
    // The server takes a backfill of a schedule that is not there for done.
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
    ...recent.map(({ takenAt, workflowId: id }) => `${takenAt} ${id}`),
    ...(link === null ? [] : [link]),
  ].join('\n');
}
