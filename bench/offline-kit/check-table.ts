/** The results of `kit/check` as text, and its exit code. */
import { kitShapeNames } from './kit-shapes.ts';
import type { Part, PartResult } from './part.ts';
import { inMs, timesOf } from './readings.ts';

/** 0 unless a part that ran disagreed or failed. */
export function exitCodeOfParts(results: readonly PartResult[]): number {
  return results.some(({ status }) => status === 'differs' || status === 'failed') ? 1 : 0;
}

export function partLine({ name, status, seconds, found }: PartResult): string {
  return `${status.padEnd(8)}  ${`${seconds.toFixed(0)} s`.padStart(5)}  ${name.padEnd(24)}  ${found}`;
}

/** The parts that this machine cannot run, a line a reason. */
export function leftOutText(parts: readonly Pick<Part, 'name' | 'leftOut'>[]): string {
  const reasons = new Set(parts.flatMap(({ leftOut }) => leftOut ?? []));
  const namesOf = (reason: string) => parts.filter(({ leftOut }) => leftOut === reason).map(({ name }) => name);
  return [...reasons].map((reason) => `left out  ${namesOf(reason).join(', ')}: ${reason}`).join('\n');
}

/** What agreed, in a line. */
export function verdictOf(results: readonly PartResult[]): string {
  const count = (status: PartResult['status']) => results.filter((result) => result.status === status).length;
  const wrong = results.filter(({ status }) => status === 'differs' || status === 'failed').map(({ name }) => name);
  const isGpuCompared = results.some(({ name, status }) => /^(?:webgpu|cuda) /.test(name) && status === 'agreed');
  const unran = `${String(count('left out'))} left out, ${String(count('stopped'))} stopped`;
  if (wrong.length > 0) return `${wrong.join(', ')} did not agree or failed (${unran})`;
  const missing = isGpuCompared ? '' : ', but no comparison of a GPU provider with cpu was finished';
  return `all that ran agreed${missing} (${unran})`;
}

/** The times of a step by shape, and the verdict. */
export function summaryText(results: readonly PartResult[]): string {
  const rows = kitShapeNames.flatMap((shape) => rowsOf(shape, results));
  const table = rows.length === 0 ? [] : aligned([['shape', 'on', 'rollout', 'update', 'step', 'by'], ...rows]);
  return [...table, ...(table.length > 0 ? [''] : []), verdictOf(results)].join('\n');
}

function rowsOf(shape: string, results: readonly PartResult[]): string[][] {
  return results.flatMap(({ name, lines, status }) => {
    if (!name.startsWith(`${shape} `) || status === 'left out') return [];
    const times = timesOf(lines);
    if (times === undefined) return [];
    const { rolloutMs, trainMs, by, roundCount } = times;
    const only = roundCount === 0 ? 'first round only' : '';
    const figures = [rolloutMs, trainMs, rolloutMs + trainMs].map(inMs);
    return [[shape, name.slice(shape.length + 1), ...figures, [by, only].filter(Boolean).join(', ')]];
  });
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
