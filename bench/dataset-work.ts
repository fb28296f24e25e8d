/**
 * `dataset-work.ts prepare|steps FOLDER`: our side of the dataset bench, using the workers' code, each part in a
 * process of its own. `prepare` ingests the JSONL files and builds the mixture's plan; `steps` loads the examples of 20
 * steps. Prints one line of JSON.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pino } from 'pino';
import { exampleLookup, openDataset } from '../pipeline/data/dataset-artifact.ts';
import { imageBytes } from '../pipeline/data/image-table.ts';
import { createIngest } from '../pipeline/data/ingest.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import { createMix } from '../pipeline/data/mix.ts';
import { plannedStep } from '../pipeline/data/mixture-plan.ts';
import { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../artifacts/store/folder-object-store.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { recipeSchema } from '../recipes/recipe.ts';
import { callerWith } from '../test/support/caller.ts';

const stepCount = 20;
const promptCountPerStep = 64;

interface Prepared {
  readonly dataset: ArtifactRef;
  readonly plan: ArtifactRef;
}

const [part = '', folder = ''] = process.argv.slice(2);
const cache = new JsonCache(new ArtifactStore(new FolderObjectStore(path.join(folder, 'store'))));
const deps = { store: cache.store, codeVersion: () => 'bench', log: pino({ level: 'silent' }) };
const place = path.join(folder, 'prepared.json');

async function prepare() {
  const recipe = await cache.put(
    recipeSchema.parse({
      name: 'bench',
      policy: { checkpoint: '/none' },
      tasks: { judged: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image> {{ caption }} {{ mode_word }}' } },
      datasets: ['train', 'test'].map((split) => ({
        ...{ reader: 'jsonl', task: 'judged', split, path: path.join(folder, `${split}.jsonl`) },
        ...{ imageFolder: folder, fields: { images: ['image'], prompt: ['caption'] } },
      })),
      arms: {
        rl: { objective: 'rl', mode: 'think', stepCount, promptCountPerStep, optimizer: { learningRate: 1e-5 } },
      },
    }),
  );
  const startedAtMs = performance.now();
  const { dataset, exampleCount } = await createIngest(deps, cache)({ recipe }, callerWith());
  const ingestMs = performance.now() - startedAtMs;
  const { plan } = await createMix(deps, cache)({ recipe, dataset, arm: 'rl', seed: 0 });
  const mixMs = performance.now() - startedAtMs - ingestMs;
  writeFileSync(place, JSON.stringify({ dataset, plan } satisfies Prepared));
  return { exampleCount, ingestMs, mixMs };
}

/** Measures the dataset access that an activity performs in each step before it computes anything. */
async function steps() {
  const { dataset, plan } = JSON.parse(readFileSync(place, 'utf8')) as Prepared;
  const accessMs: number[] = [];
  for (let step = 0; step < stepCount; step++) {
    const startedAtMs = performance.now();
    const opened = await openDataset(cache, dataset);
    const rows = [...(await plannedStep(cache, plan, step)).rows];
    const exampleAt = await exampleLookup(opened, rows);
    for (const row of rows)
      for (const digest of exampleAt(row).images) await imageBytes(cache, opened.artifact, digest);
    accessMs.push(performance.now() - startedAtMs);
  }
  return { accessMs };
}

const measured = part === 'prepare' ? await prepare() : await steps();
// Not getrusage's maximum: on Linux it starts from the size of the parent process.
const status = readFileSync('/proc/self/status', 'utf8');
const residentMebibytesMax = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024;
process.stdout.write(`${JSON.stringify({ ...measured, residentMebibytesMax })}\n`);
