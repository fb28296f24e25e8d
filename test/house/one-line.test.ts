/**
 * A kind, a metric and a file format are each added with one file and lines of tables: those of docs/adding.md are
 * added to a copy of the sources.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as ingesting from '../../judge/datasets/ingest.ts';
import type * as scoring from '../../judge/evaluation/scores.ts';
import type { Example, Judgment } from '../../judge/example.ts';
import type * as reordering from '../../judge/tasks/reorder.ts';
import type * as loading from '../../recipes/load.ts';
import type * as reference from '../../recipes/reference.ts';
import { expectNone } from '../support/expect-none.ts';
import { blocksOf, tableLinesOf } from '../support/page-blocks.ts';
import { projectRoot } from '../../core/project.ts';

const page = 'docs/adding.md';
/** File -> the name that it exports. */
const added = {
  'judge/kinds/odd-one-out.ts': 'oddOneOut',
  'judge/evaluation/wrong-rate.ts': 'wrongRate',
  'judge/datasets/readers/query.ts': 'readQuery',
} as const;
const rooms = ['core', 'artifacts', 'recipes', 'judge', 'policy', 'contract', 'pipeline'];

const recipe = `name: odd
policy: { checkpoint: ./base }
tasks:
  odd:
    kind: odd-one-out
    labels: [first, second, third]
    prompt: '<image> <image> <image> Which does not belong? {{ mode_word }}'
datasets:
  - reader: query
    task: odd
    split: test
    path: rows.txt
    imageFolder: .
    fields: { images: [a, b, c], label: odd }
arms:
  base: { objective: none, mode: direct }
`;
const rows = ['id=1&a=red.png&b=blue.png&c=green.png&odd=first', 'id=2&a=blue.png&b=red.png&c=green.png&odd=second'];

let copy = '';

async function moduleOf(path: string): Promise<unknown> {
  return import(pathToFileURL(join(copy, path)).href);
}

/** Inserts the line at the head of its table, with the import. */
function addLine(path: string, table: string, line: string): void {
  const place = join(copy, path);
  const text = readFileSync(place, 'utf8');
  const head = new RegExp(`^(?: *${table}: |(?:export )?const ${table}\\b.* = )\\{\\n`, 'm');
  expect(text, `${path} has a table ${table}`).toMatch(head);
  const imported = Object.entries(added).filter(([, name]) => new RegExp(`\\b${name}\\b`).test(line));
  const imports = imported.map(([file, name]) => {
    const specifier = posix.relative(dirname(path), file);
    return `import { ${name} } from '${specifier.startsWith('.') ? specifier : `./${specifier}`}';\n`;
  });
  writeFileSync(place, imports.join('') + text.replace(head, (found) => found + line));
}

beforeAll(async () => {
  mkdirSync(join(projectRoot, '.mtrl'), { recursive: true });
  // Inside the project, so that packages resolve.
  copy = mkdtempSync(join(projectRoot, '.mtrl', 'one-line-'));
  const filter = (path: string): boolean => !path.endsWith('.safetensors');
  for (const room of rooms) cpSync(join(projectRoot, room), join(copy, room), { recursive: true, filter });
  const blocks = blocksOf(page);
  for (const path of Object.keys(added)) writeFileSync(join(copy, path), blocks.get(path) ?? '');
  for (const { path, table, line } of tableLinesOf(page)) addLine(path, table, line);
  writeFileSync(join(copy, 'odd.yaml'), recipe);
  writeFileSync(join(copy, 'rows.txt'), rows.join('\n'));
  for (const background of ['red', 'green', 'blue']) {
    const picture = sharp({ create: { width: 16, height: 16, channels: 3, background } });
    await picture.toFile(join(copy, `${background}.png`));
  }
});

afterAll(() => {
  rmSync(copy, { recursive: true, force: true });
});

test('needs only one line for the kind, one for the metric, and two for the format', () => {
  expect(tableLinesOf(page).map(({ path, table }) => `${path} ${table}`)).toEqual([
    'judge/kinds/table.ts kinds',
    'judge/evaluation/metrics.ts label',
    'recipes/fields/dataset-fields.ts formats',
    'judge/datasets/readers/table.ts readers',
  ]);
});

function programOf(roots: readonly string[], before?: ts.Program): ts.Program {
  const { config } = ts.readConfigFile(join(projectRoot, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, projectRoot);
  const rootNames = roots.map((path) => join(copy, path));
  return ts.createProgram({ rootNames, options, ...(before && { oldProgram: before }) });
}

function problemsIn(program: ts.Program, sources: readonly ts.SourceFile[]): string[] {
  return sources
    .flatMap((source) => program.getSemanticDiagnostics(source))
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${JSON.stringify(messageText)}`);
}

test('type-checks every use of a kind, a metric or a reader, and reports a missing line', () => {
  const roots = [
    ...['recipes/load.ts', 'judge/datasets/ingest.ts', 'judge/report/render.ts'],
    ...['pipeline/asking/evaluate.ts', 'pipeline/training/rollout.ts', 'pipeline/training/reward.ts'],
  ];
  const program = programOf(roots);
  const checked = program
    .getSourceFiles()
    .filter(({ fileName }) => /\/(recipes|judge|pipeline\/(asking|data|training))\//.test(fileName.slice(copy.length)));
  expect(checked.length).toBeGreaterThan(100);
  expectNone(problemsIn(program, checked));

  const table = join(copy, 'judge/datasets/readers/table.ts');
  const complete = readFileSync(table, 'utf8');
  writeFileSync(table, complete.replace(/^ *query: .*\n/m, ''));
  const without = programOf(roots, program);
  const problems = problemsIn(
    without,
    without.getSourceFiles().filter(({ fileName }) => fileName === table),
  );
  writeFileSync(table, complete);
  expect(problems.join('\n')).toContain("Property 'query' is missing");
});

test('checks, reads, judges in both orders and scores a recipe with that kind, format and metric', async () => {
  const { loadRecipeFile } = (await moduleOf('recipes/load.ts')) as typeof loading;
  const { ingestDatasets } = (await moduleOf('judge/datasets/ingest.ts')) as typeof ingesting;
  const { otherOrders } = (await moduleOf('judge/tasks/reorder.ts')) as typeof reordering;
  const { taskScores } = (await moduleOf('judge/evaluation/scores.ts')) as typeof scoring;

  const file = join(copy, 'odd.yaml');
  expect(() => loadRecipeFile(file, ['tasks.odd.labels=["yes","no"]'])).toThrow(/three labels, one for each image/);
  expect(() => loadRecipeFile(file, ['datasets.0.fields.images=["a"]'])).toThrow(/3 image fields/);
  const { parsed } = loadRecipeFile(file, []);

  const { examples, quarantined } = await ingestDatasets(parsed, { image: () => undefined });
  expect(quarantined).toEqual([]);
  expect(examples.map(({ label }) => label)).toEqual(['first', 'second']);

  const spec = parsed.tasks['odd'];
  if (spec === undefined) throw new Error('the task is in the recipe');
  const turned = examples.flatMap((example) => otherOrders(example, spec));
  expect(turned.map(({ label }) => label)).toEqual(['third', 'second']);
  expect(turned.map(({ images }) => images)).toEqual(examples.map(({ images }) => [...images].reverse()));

  const judgment: Judgment = { ok: true, verdict: 'first', rationale: '' };
  const judged = examples.map((example: Example) => ({ example, judgment }));
  const scores = taskScores({ task: 'odd', spec, split: 'test', judged, resampleCount: 10, seed: 0 });
  expect(scores).toMatchObject({ exampleCount: 2, accuracy: 0.5, wrongRate: 0.5 });
});

test('lists them in the recipe reference', async () => {
  const { recipeReference } = (await moduleOf('recipes/reference.ts')) as typeof reference;
  expect(recipeReference()).toContain('odd-one-out: three images, of which one does not belong');
  expect(recipeReference()).toContain('`query`: A row a line, as a query string.');
});
