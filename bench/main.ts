/** `npm run bench -- NAME [--peer] [--json]`: one measurement, as JSON. Each lies in bench/NAME.ts and exports `bench`. */
import { existsSync } from 'node:fs';
import { describeError, exitCodeOf, MtrlError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { nearest } from '../recipes/nearest.ts';

const names = [
  'step',
  'rollout',
  'train',
  'scaling',
  'demo',
  'peers',
  'orchestration',
  'telemetry',
  'ingest',
  'store',
  'gc',
  'bootstrap',
  'backends',
  'smolvlm',
  'memory',
  'parity',
  'graphs',
  'early-ends',
  'status',
] as const;

export interface BenchOptions {
  /** Whether what this project is compared with runs, too, in turn. */
  readonly withPeers: boolean;
}

/** What a file of this folder exports. Its own words go to stderr. */
export interface BenchModule {
  readonly bench: (log: (line: string) => void, options: BenchOptions) => Promise<{ readonly [key: string]: Json }>;
}

async function main(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args.filter((arg) => arg !== '--json' && arg !== '--peer');
  const known = names.find((each) => each === name);
  const file = known === undefined ? undefined : new URL(`./${known}.ts`, import.meta.url);
  if (file === undefined || rest.length > 0 || !existsSync(file)) {
    throw new MtrlError('USAGE', 'bench takes one name', {
      found: args.join(' ') || 'nothing',
      hint: `npm run bench -- NAME, where NAME is one of ${nearest(name ?? '', names, names.length).join(', ')}`,
    });
  }
  const { bench } = (await import(file.href)) as BenchModule;
  const measured = await bench((line) => process.stderr.write(`${line}\n`), { withPeers: args.includes('--peer') });
  process.stdout.write(`${JSON.stringify({ bench: known, ...measured }, null, 2)}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
