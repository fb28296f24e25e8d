/** The data of a small report, with every part filled in and hostile text wherever text may be external. */
import type { PairedTest } from '../../judge/evaluation/paired-tests.ts';
import type { ReportData, ReportRun, ReportScores } from '../../judge/report/data.ts';

export const hostile = `<script>alert("x")</script>&'`;

function variant(strictMacroF1: number) {
  const rates = { sameVerdictRate: 0.6, unparsableRate: 0, truncatedRate: 0 };
  return { exampleCount: 50, macroF1: 0.4, ci95: [0.3, 0.5] as const, accuracy: 0.5, strictMacroF1, ...rates };
}

export function scores(task: string, macroF1: number, ci95: readonly [number, number], ood = false): ReportScores {
  const extra = {
    balancedAccuracy: macroF1,
    cohenKappa: 0.4,
    confusion: {
      labels: [hostile, 'no'],
      counts: [
        [3, 1, 0],
        [0, 4, 2],
      ],
    },
    unparsableByReason: { 'verdict-missing': 0.01 },
    correlation: { count: 9, pearson: 0.5 },
    rationales: { stanceCount: 8, contradictionRate: 0.25, silentRate: 0.1 },
    samples: {
      sampleCount: 4,
      passAt1: 0.6,
      passAtK: 0.9,
      majAtK: 0.7,
      majMacroF1: 0.7,
      likeliestOfK: 0.75,
      agreement: 0.8,
    },
    forcedChoice: {
      ...{ macroF1, ci95, accuracy: macroF1, brier: 0.2, ece: 0.05 },
      bins: [
        { count: 0, confidence: 0, accuracy: 0 },
        { count: 5, confidence: 0.9, accuracy: 0.8 },
      ],
    },
    baseRates: [{ label: hostile, labelRate: 0.25, verdictRate: 0.4 }],
    chanceAgreement: 0.55,
    krippendorffAlpha: 0.41,
    peopleAlpha: { level: 'nominal', exampleCount: 9, votesPerExample: 4.5, people: 0.62, withJudge: 0.58 } as const,
    humanCeiling: {
      exampleCount: 9,
      person: { macroF1: 0.81, accuracy: 0.82, cohenKappa: 0.63 },
      judge: { macroF1: 0.71, accuracy: 0.72, cohenKappa: 0.43, pearson: 0.5, meanAbsoluteError: 1 },
      difference: { accuracy: -0.1, ci95: [-0.2, -0.05] as const },
    },
    accPlus: { groupCount: 1234, rate: 0.345 },
    slices: [
      {
        ...{ field: hostile, valueCount: 40, macroMean: { macroF1: 0.505, cohenKappa: 0.1 } },
        values: Array.from({ length: 20 }, (_, i) => ({
          ...{ value: i === 1 ? null : `${hostile}${String(i)}`, exampleCount: 20 - i },
          scores: { macroF1: 0.5 },
        })),
        others: { exampleCount: 77, ci95: [0.1, 0.2] as const, scores: { macroF1: 0.15 } },
      },
    ],
    variants: [
      { name: 'missing-image', refused: hostile },
      { name: 'blank-image', scores: variant(macroF1) },
    ],
  };
  const headline = { metric: 'consistentAccuracy', name: 'right in all orders', value: 0.8 } as const;
  const order = ood ? { consistencyRate: 0.9, firstPositionRate: 0.5, consistentAccuracy: 0.8, headline } : {};
  const rates = { accuracy: macroF1, majorityMacroF1: 0.34, unparsableRate: 0.01, truncatedRate: 0 };
  const ties = {
    ...{ pairCount: 51, refAccuracy: 0.91, tiedAccuracy: 0.92, preferredRate: 0.93, preferredHardRate: 0.94 },
    ...{ marginScore: -0.25, score: 0.95, leftOutCount: 3 },
  };
  const tied = ood ? {} : { tiesScore: ties };
  return { task, split: 'test', ood, exampleCount: 600, macroF1, ci95, ...rates, ...order, ...extra, ...tied };
}

export function run(arm: string, objective: ReportRun['objective'], all: readonly ReportScores[], seed = 0): ReportRun {
  const curve = Array.from({ length: objective === 'none' ? 0 : 40 }, (_, step) => ({
    step,
    loss: 1 / (step + 1),
    gradientNorm: 0.5,
    learningRate: 1e-4,
    ...(objective === 'rl' && {
      ...{
        reward: step / 40,
        accuracy: step / 40,
        formatRate: 1,
        informativeGroupRate: 0.5,
        logProbDifferenceMax: 1e-6,
      },
      byTask: [{ task: 'safety', rolloutCount: 8, reward: 0.5, accuracy: step / 40, format: 1 }],
    }),
  }));
  const checkpoint = { uri: `s3://mtrl/${arm}`, sha256: 'a'.repeat(64), byteLength: 2_500_000 };
  return {
    runName: `${arm}/s${String(seed)}`,
    arm,
    seed,
    objective,
    ...(objective === 'rl' && { algorithm: 'GRPO' }),
    mode: 'think',
    stepCount: curve.length,
    wallMs: 30_000,
    computeMs: 20_000,
    checkpoint,
    scores: all,
    curve,
  };
}

export function test(task: string, arm: string, otherArm: string, difference: number, holmP: number): PairedTest {
  const [runName, otherRunName] = [`${arm}/s0`, `${otherArm}/s0`];
  return {
    ...{ task, arm, runName, otherArm, otherRunName, difference, holmP, p: holmP / 2, taskCount: 2 },
    ci95: [difference - 0.05, difference + 0.05],
    ...{ mcNemarP: holmP / 2, mcNemarHolmP: holmP },
    ...{ onlyThisCorrect: difference > 0 ? 30 : 3, onlyOtherCorrect: difference > 0 ? 3 : 30 },
  };
}

/** Each run an arm of its own. */
function ofRuns(runs: readonly ReportRun[]): Pick<ReportData, 'arms' | 'runs'> {
  const arms = runs.map(({ arm, objective, mode, runName, scores: all }) => ({
    ...{ arm, objective, mode, runNames: [runName], seedCount: 1, isSingle: false, trainedTaskCount: 2 },
    scores: Object.fromEntries(
      all.map(({ task, macroF1 = 0, ci95 = [0, 0] as const }) => [task, { value: macroF1, ci95, bySeed: [macroF1] }]),
    ),
  }));
  return { arms, runs };
}

export function madeUpReport(): ReportData {
  const reward = { value: 1, accuracy: 1, format: 1 } as const;
  const rollout = {
    runName: 'mt-rl/s0',
    task: 'safety',
    exampleId: hostile,
    images: ['data:image/png;base64,AAAA'],
    prompt: hostile,
    completion: hostile,
    label: 'yes',
  };
  return {
    title: hostile,
    absent: [`hpdv3: ${hostile}: there is no file`],
    summary: hostile,
    experimentId: 'made-up',
    recipeText: `name: ${hostile}`,
    recipeDigest: 'b'.repeat(64),
    tasks: [
      { name: 'safety', kind: 'pointwise', ood: false },
      { name: 'pair', kind: 'pairwise', ood: true },
    ],
    ...ofRuns([
      run('base', 'none', [scores('safety', 0.7, [0.66, 0.74]), scores('pair', 0.6, [0.55, 0.65], true)]),
      run('sft', 'sft', [scores('safety', 0.72, [0.68, 0.76]), scores('pair', 0.4, [0.35, 0.45], true)]),
      run('mt-rl', 'rl', [scores('safety', 0.99, [0.98, 1]), scores('pair', 0.97, [0.95, 0.99], true)]),
    ]),
    armTests: [],
    pixelBaselines: [
      {
        ...{ task: 'safety', split: 'test', exampleCount: 50, accuracy: 0.9, macroF1: 0.71, ci95: [0.61, 0.77] },
        ...{ fittedCount: 4096, trainCount: 9000, fields: [hostile] },
      },
    ],
    tests: [test('pair', 'mt-rl', 'base', 0.37, 0.001), test('safety', 'mt-rl', 'sft', 0.01, 0.4)],
    rollouts: [
      { ...rollout, step: 3, rationale: hostile, verdict: 'yes', reward },
      { ...rollout, rationale: 'none', verdict: 'no', reward: { value: 0.1, accuracy: 0, format: 1 } },
      { ...rollout, unparsable: 'truncated', reward: { value: 0, accuracy: 0, format: 0 } },
    ],
    dataset: {
      exampleCount: 100,
      imageCount: 120,
      quarantinedCount: 300,
      leftOutCount: 7,
      sources: [{ name: hostile, sha256: 'e'.repeat(64) }],
      quarantined: [{ source: 'rows.jsonl', row: 3, code: 'LABEL_UNKNOWN', reason: hostile, excerpt: hostile }],
      quarantineUri: 's3://mtrl/quarantine',
      leaks: [{ kind: 'exact', train: hostile, test: 'b' }],
      leaksUri: 's3://mtrl/leaks',
    },
    cost: {
      wallMs: 61_000,
      cache: { hits: 2, misses: 40 },
      stages: [{ activity: 'rollout', count: 40, cachedCount: 2, computeMs: 9_000 }],
    },
    artifacts: [{ name: 'recipe', uri: 's3://mtrl/recipe', sha256: 'c'.repeat(64), byteLength: 900 }],
    environment: { node: hostile },
  };
}
