import type { Command } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import { madeBy } from '../../show/made.ts';
import { metricsCsv, metricsOf, newestLines } from '../../show/metrics.ts';
import { print, printJson } from '../../show/output.ts';
import { withStack } from '../../temporal/stack.ts';

interface MetricsOptions {
  readonly run?: string;
  readonly csv?: boolean;
  readonly json?: boolean;
}

export function addMetrics(command: Command): void {
  command
    .argument('<id>')
    .option('--run <name>', 'show this run only, such as mt-rl/s0')
    .option('--csv', 'all steps as CSV, a row each')
    .option('--json', 'all steps as one JSON document on stdout')
    .action(async (experimentId: string, { run: wanted, csv, json }: MetricsOptions) => {
      await withStack({ startMissing: false }, async ({ store, ...stack }) => {
        const { runs } = await madeBy({ store, ...stack }, experimentId);
        const chosen = runs.filter(({ runName }) => wanted === undefined || runName === wanted);
        const steps = [];
        for (const run of chosen) steps.push(...(await metricsOf(store, run)));
        if (steps.length === 0) {
          throw new MtrlError('NOT_FOUND', `there are no steps${wanted === undefined ? '' : ` of ${wanted}`}`, {
            where: experimentId,
            found: `runs ${runs.map(({ runName }) => runName).join(', ') || '(none)'}`,
            hint: 'steps become readable with the next snapshot',
          });
        }
        if (json === true) printJson({ experimentId, steps });
        else if (csv === true) print(metricsCsv(steps));
        else for (const line of newestLines(steps)) print(line);
      });
    });
}
