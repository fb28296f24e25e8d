import type { Command } from 'commander';
import { type Ancestry, type AncestryOptions, ancestryOf, type Contents, madeAs } from '../../../artifacts/ancestry.ts';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import { MtrlError } from '../../../core/errors.ts';
import { contentsOf } from '../../show/made-contents.ts';
import { madeBy } from '../../show/made.ts';
import { type Paint, paintFor, print, printJson } from '../../show/output.ts';
import { withProgressLine } from '../../show/progress-line.ts';
import { type Stack, withStack } from '../../temporal/stack.ts';
import { wholeNumber } from '../../whole-number.ts';

interface LineageOptions {
  readonly depth: number;
  readonly json?: boolean;
}

const openedCountMax = 3;

export function addLineage(command: Command): void {
  command
    .argument('<artifact>', 'the address of an artifact, an experiment, or experiment:run')
    .option('--depth <n>', 'number of activities to go back', wholeNumber, 12)
    .option('--json', 'one JSON document on stdout')
    .action(async (named: string, { depth, json = false }: LineageOptions) => {
      await withStack({ startMissing: false }, async (stack) => {
        const roots = await rootsOf(stack, named);
        const options: AncestryOptions = {
          ...{ depthMax: depth, openedCountMax },
          contentsOf: (made) => contentsOf(stack.store, made),
        };
        const trees = await Promise.all(roots.map(([name, ref]) => ancestryOf(stack.store, name, ref, options)));
        if (json) printJson({ artifact: named, lineage: trees });
        else for (const tree of trees) print(linesOf(tree, paintFor(process.stdout)).join('\n'));
      });
    });
}

/** Throws NOT_FOUND, ARTIFACT_MISSING. */
async function rootsOf(stack: Stack, named: string): Promise<(readonly [string, ArtifactRef])[]> {
  if (/^(s3|file):\/\//.test(named)) {
    const key = stack.store.objects.keyOf(named);
    const made = await withProgressLine((show) =>
      madeAs(stack.store, key, (lookedAt, count) => {
        show(() => `searching for its activity: ${String(lookedAt)} of ${String(count)} manifests`);
      }),
    );
    if (made) return [['artifact', made]];
    throw new MtrlError('NOT_FOUND', 'no activity made an artifact with this address', { where: named });
  }
  const [experimentId = '', wanted] = named.split(':');
  const { runs } = await madeBy(stack, experimentId);
  const found = runs.filter(({ runName, arm }) => wanted === undefined || runName === wanted || arm === wanted);
  if (found.length > 0) return found.map(({ runName, checkpoint }) => [`checkpoint of ${runName}`, checkpoint]);
  throw new MtrlError('NOT_FOUND', 'the experiment has no such run', {
    where: named,
    hint: `name one: ${runs.map(({ runName }) => runName).join(', ') || '(none has a checkpoint yet)'}`,
  });
}

function linesOf({ name, sha256, madeBy: made, isAbove }: Ancestry, paint: Paint): string[] {
  const head = `${paint('bold', name)} ${sha256.slice(0, 12)}`;
  if (!made) return [isAbove ? `${head} ${paint('dim', '(see above)')}` : head];
  const { activity, codeVersion, environment, settings, files, contents, inputs, further } = made;
  const facts = Object.entries(settings).map(([key, value]) => `${key} ${String(value)}`);
  const where = [
    `code ${codeVersion.slice(0, 12)}`,
    ...Object.entries(environment).map(([key, value]) => `${key} ${value}`),
  ];
  const parts = [
    ...Object.entries(contents).map(([content, inside]) => [contentLine(content, inside)]),
    ...inputs.map((input) => linesOf(input, paint)),
    ...Object.entries(further).map(([input, count]) => [`... ${String(count)} more ${input}`]),
    ...Object.entries(files).map(([path, digest]) => [`${path} ${digest.slice(0, 12)}`]),
  ];
  return [
    `${head}  ${activity}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}  ${paint('dim', where.join(', '))}`,
    ...parts.flatMap((lines, i) => {
      const isLast = i === parts.length - 1;
      return lines.map((line, j) => (j === 0 ? (isLast ? '└─ ' : '├─ ') : isLast ? '   ' : '│  ') + line);
    }),
  ];
}

/** `24 rows: safety w1-0, safety w1-1, ...` */
function contentLine(name: string, { count, examples }: Contents): string {
  const shown = examples.map((example) => {
    const short = example.length > 40 ? `${example.slice(0, 37)}...` : example;
    return /^\S+$/.test(short) ? short : JSON.stringify(short);
  });
  if (shown.length < count && shown.length > 0) shown.push('...');
  return `${String(count)} ${name}${shown.length > 0 ? `: ${shown.join(', ')}` : ''}`;
}
