/**
 * `npm run bench -- NAME [--peer] [--rounds N] [--rows N] [--steps N] [--runs N] [--replay ID | --exported ID]
 * [--run NAME] [--seed S] [--reader NAME] [--requests N] [--json]`: runs one benchmark and prints its result as JSON.
 * bench/NAME.ts exports `bench`.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeError, exitCodeOf, MtrlError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { nearest } from '../recipes/checks/nearest.ts';

const names = [
  'step',
  'rollout',
  'train',
  'updates',
  'scaling',
  'demo',
  'peers',
  'orchestration',
  'telemetry',
  'ingest',
  'dataset',
  'store',
  'gc',
  'bootstrap',
  'backends',
  'kit',
  'smolvlm',
  'memory',
  'memory-cycle',
  'pixels',
  'parity',
  'graphs',
  'early-ends',
  'optimizers',
  'status',
  'real-weights',
  'loading',
  'dynamics',
  'nlvr-candidates',
  'real-votes',
  'judging-overhead',
  'chaos',
  'fuzz',
  'load',
  'workers',
  'serve',
  'studio',
  'tinker',
] as const;

export interface Recorded {
  readonly experimentId: string;
  readonly runName?: string;
}

export interface BenchOptions {
  /** Whether the peers run, too, in turn with this project. */
  readonly withPeers: boolean;
  /** For `telemetry` and `workers`: number of rounds per side. */
  readonly roundCount?: number;
  /** For `dataset`: number of rows. */
  readonly rowCount?: number;
  /** For `load`: steps of each run. */
  readonly stepCount?: number;
  /** For `load`: runs side by side; for `fuzz`: inputs of each reader. */
  readonly runCount?: number;
  /** For `fuzz`: the seed of the first input, and a reader if it is not to be all of them. */
  readonly firstSeed?: number;
  readonly reader?: string;
  /** For `serve`: number of mixed good and bad requests, in place of the rates. */
  readonly requestCount?: number;
  /** For `fuzz`: whether inputs are chosen without regard to what they reach. */
  readonly isBlind?: boolean;
  /** For `parity`: an experiment whose updates are made again in PyTorch, and one of its runs. */
  readonly replayed?: Recorded;
  /** For `parity`: an experiment whose exports are opened in transformers and PEFT, and one of its runs. */
  readonly exported?: Recorded;
  /** For `real-weights`: only brings model and data. */
  readonly onlyPrepares?: boolean;
  readonly chaos: ChaosOptions;
}

export interface ChaosOptions {
  readonly planCount?: number;
  /** Seed of the first plan. */
  readonly firstSeed?: number;
  /** Whether the workers run a build with a fault, which the plans must find. */
  readonly isPlanted: boolean;
}

/** What a benchmark module exports. Its `log` lines go to stderr. */
export interface BenchModule {
  readonly bench: (log: (line: string) => void, options: BenchOptions) => Promise<{ readonly [key: string]: Json }>;
}

async function main(args: readonly string[]): Promise<void> {
  const { positionals, values } = parse(args);
  const [name, ...rest] = positionals;
  const known = names.find((each) => each === name);
  const file = known === undefined ? undefined : new URL(`./${known}.ts`, import.meta.url);
  if (file === undefined || rest.length > 0 || !existsSync(file)) {
    throw new MtrlError('USAGE', 'bench takes one name', {
      found: args.join(' ') || 'nothing',
      hint: `npm run bench -- NAME, where NAME is one of ${nearest(name ?? '', names, names.length).join(', ')}`,
    });
  }
  const { bench } = (await import(file.href)) as BenchModule;
  const roundCount = countOf(values.rounds, '--rounds', known === 'workers' ? known : 'telemetry', name);
  const rowCount = countOf(values.rows, '--rows', 'dataset', name);
  const stepCount = countOf(values.steps, '--steps', 'load', name);
  const runCount = countOf(values.runs, '--runs', known === 'fuzz' ? known : 'load', name);
  const firstSeed = countOf(values.seed, '--seed', 'fuzz', name);
  const planCount = countOf(values.plans, '--plans', 'chaos', name);
  const firstPlanSeed = countOf(values.first, '--first', 'chaos', name);
  const requestCount = countOf(values.requests, '--requests', 'serve', name);
  if (values.reader !== undefined || values.blind) requireBench('--reader, --blind', 'fuzz', known ?? '');
  if (values.planted) requireBench('--planted', 'chaos', known ?? '');
  const run = values.run !== undefined && { runName: values.run };
  const recorded = Object.entries({ replayed: values.replay, exported: values.exported }).flatMap(
    ([key, experimentId]) => (experimentId === undefined ? [] : [[key, { experimentId, ...run }] as const]),
  );
  if (recorded.length > 0 || run) requireBench('--replay, --exported, --run', 'parity', known ?? '');
  const options = {
    withPeers: values.peer,
    ...(roundCount !== undefined && { roundCount }),
    ...(rowCount !== undefined && { rowCount }),
    ...(stepCount !== undefined && { stepCount }),
    ...(runCount !== undefined && { runCount }),
    ...(firstSeed !== undefined && { firstSeed }),
    ...(requestCount !== undefined && { requestCount }),
    ...(values.reader !== undefined && { reader: values.reader }),
    ...(Object.fromEntries(recorded) as Pick<BenchOptions, 'replayed' | 'exported'>),
    ...(values.blind && { isBlind: true }),
    ...(values.prepare && { onlyPrepares: true }),
    chaos: {
      ...(planCount !== undefined && { planCount }),
      ...(firstPlanSeed !== undefined && { firstSeed: firstPlanSeed }),
      isPlanted: values.planted,
    },
  };
  const measured = await bench((line) => process.stderr.write(`${line}\n`), options);
  process.stdout.write(`${JSON.stringify({ bench: known, ...measured }, null, 2)}\n`);
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const options = {
      json: flag,
      peer: flag,
      prepare: flag,
      replay: { type: 'string' },
      exported: { type: 'string' },
      run: { type: 'string' },
      rounds: { type: 'string' },
      rows: { type: 'string' },
      plans: { type: 'string' },
      first: { type: 'string' },
      planted: flag,
      steps: { type: 'string' },
      runs: { type: 'string' },
      seed: { type: 'string' },
      reader: { type: 'string' },
      requests: { type: 'string' },
      blind: flag,
    } as const;
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new MtrlError('USAGE', (error as Error).message, {
      hint: 'npm run bench -- NAME [--peer] [--rounds N] [--rows N] [--steps N] [--runs N] [--replay ID | --exported ID] [--run NAME] [--plans N] [--first SEED] [--planted] [--seed S] [--reader NAME] [--blind] [--requests N] [--json]',
    });
  }
}

/** Throws USAGE if an option is given to another bench than its own. */
function requireBench(option: string, bench: string, name: string): void {
  if (name !== bench) throw new MtrlError('USAGE', `${option} is for ${bench}`, { found: name });
}

/** Parses an option that belongs to one bench; undefined if it is not given. */
function countOf(text: string | undefined, option: string, bench: string, name = 'no name'): number | undefined {
  if (text === undefined) return undefined;
  requireBench(option, bench, name);
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new MtrlError('USAGE', `${option} is not a count`, { found: text, hint: 'use an integer, 1 or greater' });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
