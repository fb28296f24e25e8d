/** Gathers what a report shows, writes it as one HTML file, and keeps the experiment's index. */
import { digestOf } from '../../core/json.ts';
import { algorithms } from '../../policy/algorithms/table.ts';
import { endpointOf, isRl } from '../../recipes/arms.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { asJson } from '../../artifacts/codecs/json-value.ts';
import pMap from 'p-map';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { Leak } from '../../judge/datasets/joining/leaks.ts';
import type { QuarantinedRow } from '../../judge/example.ts';
import type { KeptBytes, ReportData, ReportLeak, ReportRun } from '../../judge/report/data.ts';
import { tableFiles, type TableFiles } from '../../judge/report/arms/table-files.ts';
import { renderReport } from '../../judge/report/render.ts';
import { baselinesFormat } from '../asking/baselines-format.ts';
import type { PixelBaseline } from '../../contract/pixel-baselines.ts';
import type { EvaluatedRun, ReportInput, ReportResult, StageCost } from '../../contract/activities.ts';
import { datasetFormat } from '../data/dataset-artifact.ts';
import type { ControlDeps } from '../deps.ts';
import { putExperimentIndex } from './experiment-index.ts';
import { ingestedFrom } from '../data/ingested-from.ts';
import type { JsonCache } from '../json-cache.ts';
import { firstRows } from '../data/json-lines.ts';
import { absentOf, absentTexts } from '../../recipes/absent-data.ts';
import { armOf, recipeOf } from '../recipe-access.ts';
import { incidentsOf } from './report-incidents.ts';
import { curveOf } from './report-curve.ts';
import { shownRollouts } from './report-rollouts.ts';
import { isOwnRow, reportArms } from './report-arms.ts';
import { outcomesReader, testsBetween } from './report-tests.ts';
import { lastPolicyOf, recordsOf } from '../policies/run-log.ts';
import { describeRuntime, type StepRecord } from '../policies/step-record.ts';

/** What a report is made of, its runs read. */
interface ReportSource extends Omit<ReportInput, 'runs'> {
  readonly runs: readonly EvaluatedRun[];
}

interface Scope {
  readonly deps: ControlDeps;
  readonly cache: JsonCache;
  readonly recipe: Recipe;
  readonly dataset: ArtifactRef;
}

const readCountMax = 16;

/** Not under a key: it belongs to the experiment, not to its content. */
export function createReport(deps: ControlDeps, cache: JsonCache) {
  return async (input: ReportInput): Promise<ReportResult> => {
    const { experimentId, ingestion, wallMs } = input;
    const made = { schema: 1, experimentId, recipe: input.recipe, ingestion, cache: input.cache, wallMs } as const;
    const runs = await pMap(input.runs, async (ref) => (await cache.get(ref)) as EvaluatedRun, {
      concurrency: readCountMax,
    });
    const recipe = await recipeOf(cache, input.recipe);
    const scope = { deps, cache, recipe, dataset: ingestion.dataset };
    const pixelBaselines = input.baselines && (await cache.getDocument(input.baselines, baselinesFormat)).baselines;
    const outcomesOf = outcomesReader(scope);
    const rows = runs.filter((run) => isOwnRow(recipe, run));
    const { tests, comparisons: ofRuns } = await testsBetween(scope, rows, outcomesOf);
    const { comparisons: ofArms, ...arms } = await reportArms(scope, runs, outcomesOf);
    const compared = { tests, ...arms };
    const comparisons = [...ofRuns, ...ofArms];
    const data = await reportData(scope, { ...input, runs }, compared, pixelBaselines);
    const absent = absentOf(recipe);
    const html = new TextEncoder().encode(renderReport(data));
    const report = await cache.store.putBytes(html);
    const tables = await putTables(cache, tableFiles(data));
    return {
      report,
      index: await putExperimentIndex(cache.store, {
        ...{ ...made, runs, report, tables, comparisons },
        ...(pixelBaselines && { pixelBaselines }),
        ...(input.baselines && { pixelBaselinesRef: input.baselines }),
        ...(absent.length > 0 && { absent }),
      }),
    };
  };
}

async function putTables(
  { store }: JsonCache,
  files: TableFiles,
): Promise<Readonly<Record<keyof TableFiles, ArtifactRef>>> {
  const put = (text: string): Promise<ArtifactRef> => store.putBytes(new TextEncoder().encode(text));
  return { md: await put(files.md), csv: await put(files.csv), tex: await put(files.tex) };
}

async function reportData(
  scope: Scope,
  input: ReportSource,
  compared: Pick<ReportData, 'arms' | 'armTests' | 'tests'>,
  pixelBaselines: readonly PixelBaseline[] = [],
): Promise<ReportData> {
  const { deps, cache, recipe } = scope;
  const runs: ReportRun[] = [];
  const rollouts = [];
  const environment: Record<string, string> = { code: deps.codeVersion('report'), node: process.version };
  for (const run of input.runs) {
    const records = await recordsOf(cache, lastPolicyOf(run));
    const curve = await curveOf(cache, records);
    runs.push(reportRun(recipe, run, { curve, incidents: incidentsOf(run, records) }));
    rollouts.push(...(await shownRollouts(scope, run, records)));
    const runtime = runtimeOf(records);
    if (runtime !== undefined) environment[run.plan.runName] = runtime;
  }
  return {
    title: recipe.name,
    ...(recipe.summary !== undefined && { summary: recipe.summary }),
    experimentId: input.experimentId,
    recipeText: JSON.stringify(recipe, null, 2),
    absent: absentTexts(absentOf(recipe)),
    recipeDigest: digestOf(asJson(recipe)),
    tasks: Object.entries(recipe.tasks).map(([name, { kind, ood }]) => ({ name, kind, ood })),
    runs,
    ...compared,
    pixelBaselines,
    rollouts,
    dataset: await datasetFacts(cache, input),
    cost: { wallMs: input.wallMs, cache: input.cache, stages: stagesOf(input) },
    artifacts: [kept('recipe', input.recipe), kept('dataset', input.ingestion.dataset)],
    environment,
  };
}

function reportRun(
  recipe: Recipe,
  { plan, checkpoint, wallMs, computeMs, evaluations, selection, ceiling }: EvaluatedRun,
  { curve, incidents }: Required<Pick<ReportRun, 'curve' | 'incidents'>>,
): ReportRun {
  const { runName, arm, seed, mode, from, stepCount } = plan;
  const spec = armOf(recipe, arm);
  const scores = evaluations.map((evaluation) => evaluation.scores);
  const prices = endpointOf(spec)?.cost;
  return {
    ...{ runName, arm, seed, objective: spec.objective, mode, stepCount, wallMs, computeMs, scores, curve },
    ...(isRl(spec) && { algorithm: algorithms[spec.algorithm].title }),
    ...(from !== undefined && { from }),
    ...(spec.specialistOf !== undefined && { specialistOf: spec.specialistOf }),
    ...(prices && { prices }),
    ...(selection && { selection }),
    ...(incidents.length > 0 && { incidents }),
    ...(ceiling && { ceiling }),
    checkpoint: bytesOf(checkpoint),
  };
}

async function datasetFacts(cache: JsonCache, { ingestion }: ReportSource): Promise<ReportData['dataset']> {
  const { exampleCount, imageCount, quarantinedCount, leftOutCount = 0 } = ingestion;
  const { quarantine, leaks } = await cache.getDocument(ingestion.dataset, datasetFormat);
  const { files } = await ingestedFrom(cache, ingestion.manifest);
  const sources = Object.entries(files).map(([name, sha256]) => ({ name, sha256 }));
  const quarantined = quarantine ? await firstRows<QuarantinedRow>(cache.store, quarantine, 20) : [];
  const found = leaks ? ((await cache.get(leaks)) as Leak[]) : [];
  return {
    ...{ exampleCount, imageCount, quarantinedCount, leftOutCount, sources, quarantined, leaks: leakPairs(found) },
    ...(quarantine && { quarantineUri: quarantine.uri }),
    ...(leaks && { leaksUri: leaks.uri }),
  };
}

const leakKinds = { image: 'exact', 'near-image': 'perceptual', text: 'text' } as const;

/** One line a leak: the example nearest to training and the one furthest from it. */
function leakPairs(leaks: readonly Leak[]): ReportLeak[] {
  return leaks.map(({ kind, sha256, examples }) => ({
    kind: leakKinds[kind],
    train: examples[0] ?? sha256,
    test: examples.at(-1) ?? sha256,
  }));
}

function stagesOf({ ingestion, runs }: ReportSource): StageCost[] {
  const totals = new Map<string, StageCost>();
  const add = ({ activity, count, cachedCount, computeMs }: StageCost): void => {
    const before = totals.get(activity) ?? { activity, count: 0, cachedCount: 0, computeMs: 0 };
    totals.set(activity, {
      activity,
      count: before.count + count,
      cachedCount: before.cachedCount + cachedCount,
      computeMs: before.computeMs + computeMs,
    });
  };
  const one = (
    activity: StageCost['activity'],
    { cached, computeMs }: { readonly cached: boolean; readonly computeMs: number },
  ): void => {
    add({ activity, count: 1, cachedCount: cached ? 1 : 0, computeMs });
  };
  one('ingest', ingestion);
  for (const run of runs) {
    run.stages.forEach(add);
    const asking = run.plan.endpoint === undefined ? 'evaluate' : 'evaluateEndpoint';
    for (const evaluation of run.evaluations) one(asking, evaluation);
  }
  return [...totals.values()];
}

function runtimeOf(records: readonly StepRecord[]): string | undefined {
  const found = new Set(records.map(({ runtime }) => describeRuntime(runtime)));
  return found.size === 0 ? undefined : [...found].join('; then ');
}

function kept(name: string, ref: ArtifactRef): KeptBytes & { readonly name: string } {
  return { name, ...bytesOf(ref) };
}

function bytesOf({ uri, sha256, byteLength }: ArtifactRef): KeptBytes {
  return { uri, sha256, byteLength };
}
