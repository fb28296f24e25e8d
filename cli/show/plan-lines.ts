/** Prints what an experiment will take. */
import type { ArmFigures, ExperimentPlan } from '../plan/make-plan.ts';

export function planLines({ recipe, model, examples, arms, totals, assumptions }: ExperimentPlan): string[] {
  const active = model?.activeParameterCount;
  const ofModel =
    model &&
    `${model.modelType}, ${scaled(model.parameterCount)} parameters${active === undefined ? '' : `, ${scaled(active)} active`}`;
  return [
    `${recipe}: ${String(totals.runCount)} runs, ${String(totals.stepCount)} steps${ofModel === undefined ? '' : `; ${ofModel}`}`,
    '',
    ...columns([
      ['examples', 'train', 'val', 'test', 'counted'],
      ...[...new Set(examples.map(({ task }) => task))].map((task) => exampleCells(task, examples)),
    ]),
    '',
    ...columns([
      [
        'per run',
        'runs',
        'steps',
        'epochs',
        'prompt tokens',
        'completion tokens',
        'answers',
        'FLOPs',
        'memory',
        'storage',
      ],
      ...arms.map(armCells),
    ]),
    '',
    ...columns([
      ['all runs', ''],
      ['prompt tokens', scaled(totals.promptTokenCount)],
      ['completion tokens', `${scaled(totals.completionTokenCountMax)} at most`],
      ['answers', scaled(totals.answerCount)],
      ['FLOPs', totals.flops.toExponential(2)],
      ['storage', bytes(totals.storageByteLength)],
      ['history events', scaled(totals.historyEventCount)],
      ['S3 requests', scaled(totals.storeRequestCount)],
      ...(totals.hoursHere === undefined ? [] : [['this machine', `${hours(totals.hoursHere)} hours at most`]]),
      ...(totals.flops === 0 ? [] : totals.hours.map(deviceCells)),
    ]),
    '',
    'assumed:',
    ...assumptions.map((text) => `  ${text}`),
  ];
}

function deviceCells(on: ExperimentPlan['totals']['hours'][number]): string[] {
  const { device, deviceCountMin: count = 1 } = on;
  const least = count === 1 ? '' : `; its memory needs ${String(count)} at least`;
  return [device, `${hours(on.hours)} device hours${least}`];
}

function exampleCells(task: string, examples: ExperimentPlan['examples']): string[] {
  const own = examples.filter((one) => one.task === task);
  const inSplit = (split: string): string => String(own.find((one) => one.split === split)?.count ?? '');
  return [
    task,
    ...['train', 'val', 'test'].map(inSplit),
    [...new Set(own.map(({ source }) => sourceWords[source]))].join(', '),
  ];
}

const sourceWords = { recipe: 'drawn', files: 'rows of files', given: 'given', assumed: 'assumed' } as const;

function armCells(arm: ArmFigures): string[] {
  const { flops } = arm;
  return [
    arm.arm,
    ...[arm.runCount, arm.stepCount].map(String),
    arm.epochCount === undefined ? '' : arm.epochCount.toFixed(1),
    ...[arm.promptTokenCount, arm.completionTokenCountMax, arm.answerCount].map(scaled),
    (flops.training + flops.rollouts + flops.evaluation).toExponential(2),
    arm.byteLengthNeeded === 0 ? '' : `${bytes(arm.byteLengthNeeded)}${arm.fits ? '' : ' (too much)'}`,
    bytes(arm.storageByteLength),
  ];
}

/** The first column to the left, the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

const units = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

function scaled(value: number): string {
  const [factor, unit] = units.find(([least]) => value >= 10 * least) ?? [1, ''];
  return factor === 1 ? String(Math.round(value)) : `${(value / factor).toFixed(1)} ${unit}`;
}

const bytes = (byteLength: number): string => `${scaled(byteLength)}B`;
const hours = (count: number): string => (count < 10 ? count.toFixed(2) : Math.round(count).toLocaleString('en'));
