import type { Command } from 'commander';
import { type DatasetArtifact, datasetFormat } from '../../../pipeline/data/dataset-artifact.ts';
import { readOverrides } from '../../../infra/stack/settings.ts';
import type { Leak } from '../../../judge/datasets/joining/leaks.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import { requireFiles } from '../../../recipes/paths.ts';
import type { IngestOnlyResult } from '../../../contract/workflows.ts';
import { runJob } from '../../temporal/job.ts';
import { absentLines } from '../../show/absent-lines.ts';
import { commandText, print, printJson } from '../../show/output.ts';
import { printQuarantine, quarantineOf } from '../../show/quarantine.ts';
import { type Stack, withStack } from '../../temporal/stack.ts';
import { repeated } from '../../repeated.ts';

interface IngestOptions {
  readonly set: readonly string[];
  readonly json?: boolean;
}

export function addIngest(command: Command): void {
  command
    .argument('<recipe>', 'a YAML or JSON file')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--json', 'one JSON document on stdout')
    .action(async (file: string, { set, json = false }: IngestOptions) => {
      const { recipe, parsed } = loadRecipeFile(file, set);
      if (readOverrides().temporal === undefined) requireFiles(parsed, 'data');
      await withStack({ startMissing: true }, async (stack) => {
        const job = { type: 'ingestOnly', name: parsed.name, input: recipe } as const;
        const { workflowId, result } = await runJob(stack, job);
        const document = { workflowId, ...(await documentOf(stack, result)) };
        const { quarantine } = result.ingestion;
        const set = quarantine && (await quarantineOf(stack.store, quarantine));
        if (json) {
          printJson({ ...document, quarantinedByCode: set?.codes ?? {} });
          return;
        }
        printIngestion(document);
        if (set) printQuarantine(set);
      });
    });
}

async function documentOf({ store }: Stack, { recipeName, recipeDigest, absent, ingestion }: IngestOnlyResult) {
  const {
    dataset,
    exampleCount,
    imageCount,
    quarantinedCount,
    leftOutCount = 0,
    quarantine,
    cached,
    datasets,
  } = ingestion;
  const kept = await store.getDocument(dataset, datasetFormat);
  const leaks = kept.leaks === null ? [] : ((await store.getJson(kept.leaks)) as readonly Leak[]);
  return {
    ...{
      recipeName,
      recipeDigest,
      status: 'completed',
      cached,
      datasets,
      dataset: { uri: dataset.uri, sha256: dataset.sha256 },
    },
    ...{ rowCount: exampleCount + quarantinedCount + leftOutCount, exampleCount, imageCount },
    ...{ quarantinedCount, leftOutCount },
    tasks: countsOf(kept),
    ...(absent && { absent }),
    quarantine: quarantine?.uri ?? null,
    leakCount: leaks.length,
    leaks: kept.leaks?.uri ?? null,
  };
}

type IngestionDocument = Awaited<ReturnType<typeof documentOf>> & { readonly workflowId: string };

function countsOf({ pools }: DatasetArtifact) {
  return pools.map(({ task, split, exampleCount, exampleCountByLabel: labels }) => ({
    ...{ task, split, exampleCount, labels },
  }));
}

function printIngestion(document: IngestionDocument): void {
  const { rowCount, exampleCount, imageCount, quarantinedCount, leftOutCount } = document;
  const { leakCount, leaks, tasks, dataset } = document;
  const leftOut = leftOutCount === 0 ? '' : ` + ${String(leftOutCount)} left out by the recipe`;
  const { hits, misses } = document.datasets;
  print(
    `${String(rowCount)} rows = ${String(exampleCount)} examples + ${String(quarantinedCount)} in quarantine${leftOut}; ${String(imageCount)} images`,
  );
  const width = Math.max(0, ...tasks.map(({ task }) => task.length));
  for (const { task, split, exampleCount: count, labels } of tasks) {
    const shares = Object.entries(labels).map(([label, labelCount]) => `${label} ${String(labelCount)}`);
    print(`  ${task.padEnd(width)}  ${split.padEnd(5)}  ${String(count).padStart(6)}  ${shares.join(', ')}`);
  }
  for (const line of absentLines(document.absent)) print(line);
  print(`leaks ${String(leakCount)}${leaks === null ? '' : `: ${commandText('fetch', leaks)}`}`);
  print(`dataset ${dataset.uri}, ${String(misses)} of ${String(hits + misses)} sources read`);
}
