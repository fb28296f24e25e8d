/** Baselines in words, and the judges that do not beat them: those have learned nothing. */
import type { PixelBaseline } from '../../contract/pixel-baselines.ts';
import type { TaskScores } from './task-scores.ts';

export interface NamedScores {
  readonly name: string;
  readonly scores: readonly TaskScores[];
}

/**
 * One line for each task that compares candidates or has a baseline on pixels, and one for each judge that is not above
 * the majority baseline.
 */
export function baselineLines(judges: readonly NamedScores[], pixelBaselines: readonly PixelBaseline[] = []): string[] {
  const tasks = [...new Set(judges.flatMap(({ scores }) => scores.map(({ task }) => task)))];
  return [
    ...tasks.flatMap((task) => unreadLine(task, judges)),
    ...pixelBaselines.map((baseline) => pixelLine(baseline, judges)),
    ...judges.flatMap(majorityLine),
    ...judges.flatMap(medianLine),
  ];
}

/** What a judge reaches that reads no candidate. */
function unreadLine(task: string, judges: readonly NamedScores[]): string[] {
  const own = judges.flatMap(({ name, scores }) =>
    scores.flatMap(({ task: its, accuracy, baselines }) =>
      its === task && baselines ? [{ name, accuracy, known: knownOf(baselines) }] : [],
    ),
  );
  const [first] = own;
  if (first === undefined) return [];
  const said = first.known.map(({ name, accuracy }) => `${name} ${percent(accuracy)}`).join(', ');
  const best = bestOf(first.known);
  const behind = own.filter(({ accuracy, known }) => accuracy <= bestOf(known).accuracy).map(({ name }) => name);
  const verdict = behind.length === 0 ? '' : `; not above "${best.name}", so nothing learned: ${behind.join(', ')}`;
  return [`${task}: accuracy without reading: ${said}${verdict}`];
}

interface Known {
  readonly name: string;
  readonly accuracy: number;
}

function knownOf({ alwaysFirst, longest, shortest }: NonNullable<TaskScores['baselines']>): readonly Known[] {
  return [
    { name: 'always first', accuracy: alwaysFirst },
    ...(longest === undefined ? [] : [{ name: 'longest', accuracy: longest }]),
    ...(shortest === undefined ? [] : [{ name: 'shortest', accuracy: shortest }]),
  ];
}

function bestOf(known: readonly Known[]): Known {
  return known.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
}

/** A judge loses to it if neither its accuracy nor its Macro-F1 is higher. */
function pixelLine(baseline: PixelBaseline, judges: readonly NamedScores[]): string {
  const { task, split, accuracy, macroF1, ci95, fittedCount, trainCount, fields } = baseline;
  const behind = judges.filter(({ scores }) =>
    scores.some((own) => {
      const isNoBetter = own.accuracy <= accuracy && (own.macroF1 ?? 0) <= macroF1;
      return own.task === task && own.split === split && isNoBetter;
    }),
  );
  const names = behind.map(({ name }) => name).join(', ');
  const rows = fittedCount < trainCount ? `${String(fittedCount)} of ${String(trainCount)}` : String(trainCount);
  const beside = fields.length === 0 ? '' : ` and ${fields.join(', ')}`;
  const figures = `accuracy ${percent(accuracy)}, Macro-F1 ${percent(macroF1)} (${ci95.map(percent).join('–')})`;
  const verdict = behind.length === 0 ? '' : `; not above it, so nothing learned: ${names}`;
  return `${task}: logistic regression on 24x24 grey pixels${beside} of ${rows} training rows: ${figures}${verdict}`;
}

function majorityLine({ name, scores }: NamedScores): string[] {
  // Where all examples have one label, a perfect judge is no better than the baseline.
  const behind = scores.flatMap(({ task, macroF1, majorityMacroF1, accuracy }) => {
    if (macroF1 === undefined || majorityMacroF1 === undefined) return [];
    return macroF1 <= majorityMacroF1 && accuracy < 1 ? [`${task} (${percent(majorityMacroF1)})`] : [];
  });
  if (behind.length === 0) return [];
  const where = behind.join(', ');
  return [`${name}: Macro-F1 not above that of always the commonest label, so nothing learned: ${where}`];
}

/** Where verdicts are no classes: a judge that always gives the median. */
function medianLine({ name, scores }: NamedScores): string[] {
  const behind = scores.flatMap(({ task, macroF1, absoluteError: error }) => {
    if (macroF1 !== undefined || error === undefined || error.mean < error.ofMedian || error.mean === 0) return [];
    return [`${task} (${error.ofMedian.toPrecision(3)})`];
  });
  if (behind.length === 0) return [];
  return [`${name}: mean error not below that of always the median, so nothing learned: ${behind.join(', ')}`];
}

const percent = (share: number): string => (100 * share).toFixed(1);
