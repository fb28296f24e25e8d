/** Optional parts of an evaluation, on a bounded number of examples: several samples, the other prompt, probes. */
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import { type Asked, askProbe, isRefusal } from '../../judge/evaluation/probes.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { outcomeOf } from '../../judge/evaluation/outcome.ts';
import { sampleScores, type SampleScores } from '../../judge/evaluation/several-samples.ts';
import type { VariantScores } from '../../judge/evaluation/task-scores.ts';
import { variantScores } from '../../judge/evaluation/variant-scores.ts';
import type { AnswerMode } from '../../judge/example.ts';
import { classOf, metricGroups } from '../../judge/kinds/table.ts';
import { readFirstLabel } from '../../judge/tasks/first-label.ts';
import type { EvaluationSpec, ProbeName } from '../../recipes/fields/evaluation-fields.ts';
import { answers, type Asking } from './answers.ts';
import type { EvaluationJudgment, VariantJudgments } from './judgments-artifact.ts';
import { shotsOf } from './shots.ts';
import type { Shown } from './shown.ts';
import { drawnFrom } from '../training/sampling.ts';

export interface Extras {
  readonly samples?: SampleScores;
  readonly variants?: readonly VariantScores[];
  readonly judgments?: readonly VariantJudgments[];
}

export interface ExtrasRequest {
  readonly asking: Asking;
  readonly evaluation: EvaluationSpec;
  readonly task: string;
  readonly shown: readonly Shown[];
  /** Greedy answers to `shown`, in the same order. */
  readonly strict: readonly EvaluationJudgment[];
}

interface Scored {
  readonly scores: VariantScores;
  readonly judgments?: readonly EvaluationJudgment[];
}

export async function askExtras(request: ExtrasRequest): Promise<Extras> {
  const { evaluation, asking } = request;
  const prompts = otherModes(evaluation, asking.mode);
  const chosen = chosenOf(request);
  const isSampled = evaluation.sampleCount > 1;
  const isNumber = metricGroups(asking.spec).includes('range');
  const samples = isSampled && !isNumber ? await askSamples(request, chosen) : undefined;
  const scored: Scored[] = evaluation.modes.includes('first-label') ? [readLeniently(request)] : [];
  if (isSampled && isNumber)
    scored.push({ scores: { name: 'samples', refused: 'numbers of a range have no majority among them' } });
  if (evaluation.modes.includes('few-shot')) scored.push(await askWithShots(request, chosen));
  for (const [name, mode] of prompts) scored.push(await askAs(request, chosen, name, asis(request, chosen), mode));
  for (const name of evaluation.probes) scored.push(await askAsProbe(request, chosen, name));
  const kept = scored.flatMap(({ scores, judgments }) => (judgments ? [{ name: scores.name, judgments }] : []));
  return {
    ...(samples && { samples }),
    ...(scored.length > 0 && { variants: scored.map(({ scores }) => scores) }),
    ...(kept.length > 0 && { judgments: kept }),
  };
}

/** The strict answers to all examples, read again. */
function readLeniently({ evaluation, task, asking, shown, strict }: ExtrasRequest): Scored {
  const name = 'first-label';
  const { spec } = asking;
  // An answer that was refused has no text to read.
  const judgments = strict.map((one) => (isRefused(one) ? one : { ...one, judgment: readFirstLabel(one, spec) }));
  const rng = new Rng('bootstrap', evaluation.seed, task, name);
  const [lenient, strictly] = [judgedOf(judgments, shown), judgedOf(strict, shown)];
  return {
    scores: variantScores(name, lenient, strictly, spec, evaluation.bootstrapResampleCount, rng),
    judgments,
  };
}

function isRefused({ judgment }: EvaluationJudgment): boolean {
  return !judgment.ok && (judgment.reason === 'refused' || judgment.reason === 'prompt-too-long');
}

/** The mode that the arm does not answer in, if `evaluation.modes` asks for its prompt. */
function otherModes({ modes }: EvaluationSpec, own: AnswerMode): (readonly [string, AnswerMode])[] {
  const wanted = [
    ['think-prompt', 'think'],
    ['direct-prompt', 'direct'],
  ] as const;
  return wanted.filter(([name, mode]) => modes.includes(name) && mode !== own);
}

/**
 * Indices into `shown`, ascending, of at most `extraExampleCountMax` examples chosen by seed; a pair is chosen in both
 * orders.
 */
function chosenOf({ evaluation, task, shown }: ExtrasRequest): number[] {
  const stored = [...new Set(shown.map(({ exampleIndex }) => exampleIndex))];
  const order = new Rng('extra examples', evaluation.seed, task).shuffle([...stored]);
  const wanted = new Set(order.slice(0, evaluation.extraExampleCountMax));
  return shown.flatMap(({ exampleIndex }, place) => (wanted.has(exampleIndex) ? [place] : []));
}

const at = <T>(items: readonly T[], places: readonly number[]): T[] =>
  places.map((place) => required(items[place], 'a chosen example'));

function asis({ asking, shown }: ExtrasRequest, chosen: readonly number[]): Asked[] {
  return at(shown, chosen).map(({ example }) => ({ example, spec: asking.spec, isBlank: false }));
}

async function askSamples(
  { asking, evaluation, shown }: ExtrasRequest,
  chosen: readonly number[],
): Promise<SampleScores> {
  const { asker, spec, mode } = asking;
  const some = at(shown, chosen);
  const questions = await asker.ofExamples(
    some.map(({ example }) => example),
    mode,
  );
  const { sampleTemperature: temperature, sampleTopK, sampleTopP, tokenCountMax, sampleCount } = evaluation;
  const sampling = { temperature, greedy: false, tokenCountMax, ...drawnFrom(sampleTopK, sampleTopP) };
  const found = await answers(asking, some, questions, sampling, sampleCount);
  const verdicts = found.map((each, i) =>
    each.map(({ judgment }) => outcomeOf(required(some[i], 'an example').example, judgment, spec).predicted),
  );
  return sampleScores(
    some.map(({ example }) => classOf(spec, example.label)),
    verdicts,
    found.map((each) => each.flatMap(({ logProb }) => logProb ?? [])),
    spec.labels,
  );
}

async function askWithShots(request: ExtrasRequest, chosen: readonly number[]): Promise<Scored> {
  const name = 'few-shot';
  const { asking, evaluation, task } = request;
  const { dataset, waits, mode } = asking;
  const shots = await waits.for(shotsOf(dataset, task, evaluation));
  if (shots.length === 0) return { scores: { name, refused: 'the task has no training examples to show' } };
  const asked = asis(request, chosen).map((one) => ({ ...one, shots }));
  return askAs(request, chosen, name, asked, mode);
}

async function askAsProbe(request: ExtrasRequest, chosen: readonly number[], name: ProbeName): Promise<Scored> {
  const { asking, task, shown, evaluation } = request;
  const asked = askProbe(name, {
    task,
    spec: asking.spec,
    examples: at(shown, chosen).map(({ example }) => example),
    pool: shown.filter(({ order }) => order === 0).map(({ example }) => example),
    settings: evaluation,
  });
  if (isRefusal(asked)) return { scores: { name, refused: asked.refused } };
  return askAs(request, chosen, name, asked, asking.mode);
}

/**
 * Returns a refusal with its reason if the prompt cannot be built or the model does not accept it (text without an
 * image). Rethrows any other error.
 */
async function askAs(
  request: ExtrasRequest,
  chosen: readonly number[],
  name: string,
  asked: readonly Asked[],
  mode: AnswerMode,
): Promise<Scored> {
  const { evaluation, shown, strict, task } = request;
  const asking: Asking = { ...request.asking, mode };
  const { asker, spec } = asking;
  try {
    const questions = await asker.ofChanged(asked, mode);
    const sampling = { temperature: 1, greedy: true, tokenCountMax: evaluation.tokenCountMax };
    const judgments = (await answers(asking, at(shown, chosen), questions, sampling, 1)).flat();
    const rng = new Rng('bootstrap', evaluation.seed, task, name);
    const scores = variantScores(
      name,
      judgedOf(judgments, at(shown, chosen)),
      judgedOf(at(strict, chosen), at(shown, chosen)),
      spec,
      evaluation.bootstrapResampleCount,
      rng,
    );
    return { scores, judgments };
  } catch (error) {
    if (error instanceof MtrlError && refusing.includes(error.code))
      return { scores: { name, refused: `${error.code}: ${error.message}` } };
    throw error;
  }
}

const refusing: readonly string[] = ['PROMPT_INVALID', 'EXAMPLE_TOO_LONG', 'CHECKPOINT_UNSUPPORTED'];

function judgedOf(judgments: readonly EvaluationJudgment[], shown: readonly Shown[]): JudgedExample[] {
  return shown.map(({ example, exampleIndex, order }, i): JudgedExample => {
    const { judgment } = required(judgments[i], 'an answer to every prompt');
    // Variants have no scores of orders: that there is another one is all that counts.
    return { example, judgment, ...(order > 0 && { reordered: { of: String(exampleIndex), order: [] } }) };
  });
}
