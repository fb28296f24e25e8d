/** What each address answers. Reading changes nothing in the store but tables and files that can be made again. */
import type { Library } from '../library.ts';
import { comparison } from '../reading/comparison.ts';
import { curvesOf } from '../reading/curves.ts';
import { leakPage, lineageOf, quarantinePage } from '../reading/data.ts';
import { groupView } from '../reading/group.ts';
import { historyOf } from '../reading/history.ts';
import { judgmentPage } from '../reading/judgments.ts';
import { experimentEntries, experimentView } from '../reading/overview.ts';
import { promotionsView } from '../reading/promotions.ts';
import { type RolloutFilter, rolloutMatches, rolloutPage } from '../reading/rollouts.ts';
import { agreementOf } from '../labels/agreement.ts';
import { queueOrders } from '../labels/person-label.ts';
import { nextToLabel } from '../labels/queue.ts';
import { choice, decimal, oneOf, requiredText, requiredWholeNumber, text, wholeNumber } from './asked.ts';

type Answer = (library: Library, query: URLSearchParams) => Promise<unknown>;
type AnswerOf = (library: Library, experimentId: string, query: URLSearchParams, by: string) => Promise<unknown>;

/** Under `/api/`. */
const answers = new Map<string, Answer>([
  ['experiments', experimentEntries],
  ['promotions', promotionsView],
]);

/** Under `/api/experiments/:id/`. */
const answersOfExperiment = new Map<string, AnswerOf>(
  Object.entries({
    '': experimentView,
    curves: curvesOf,
    rollouts: (library, id, query) => rolloutPage(library, id, filterIn(query), text(query, 'after')),
    matches: (library, id, query) => rolloutMatches(library, id, filterIn(query)),
    group: (library, id, query) =>
      groupView(library, id, {
        run: requiredText(query, 'run'),
        step: requiredWholeNumber(query, 'step'),
        prompt: requiredWholeNumber(query, 'prompt'),
      }),
    judgments: (library, id, query) => {
      const [variant, label, verdict, slice] = ['variant', 'label', 'verdict', 'slice'].map((name) =>
        text(query, name),
      );
      const [right, flips] = [choice(query, 'right'), choice(query, 'flips')];
      const filter = {
        ...{ run: requiredText(query, 'run'), task: requiredText(query, 'task') },
        ...(variant !== undefined && { variant }),
        ...(label !== undefined && { label }),
        ...(verdict !== undefined && { verdict }),
        ...(slice !== undefined && { slice }),
        ...(right !== undefined && { right }),
        ...(flips !== undefined && { flips }),
      };
      return judgmentPage(library, id, filter, text(query, 'after'));
    },
    comparison: (library, id, query) =>
      comparison(
        library,
        id,
        { task: requiredText(query, 'task'), a: requiredText(query, 'a'), b: requiredText(query, 'b') },
        text(query, 'after'),
      ),
    history: (library, id, query) => historyOf(library, id, requiredWholeNumber(query, 'example')),
    quarantine: (library, id, query) => quarantinePage(library, id, text(query, 'after')),
    leaks: (library, id, query) => leakPage(library, id, text(query, 'after')),
    queue: (library, id, query, by) => {
      const [task, skipCount = 0] = [requiredText(query, 'task'), wholeNumber(query, 'skip')];
      return nextToLabel(library, id, { task, order: oneOf(query, 'order', queueOrders), by, skipCount });
    },
    agreement: (library, id, query) => agreementOf(library, id, requiredText(query, 'task')),
    lineage: (library, id, query) => lineageOf(library, id, requiredText(query, 'run')),
  } satisfies Readonly<Record<string, AnswerOf>>),
);

/** undefined for a path that nothing answers. @param by who labels */
export function answerTo(
  library: Library,
  path: string,
  query: URLSearchParams,
  by = '',
): Promise<unknown> | undefined {
  const [api, first = '', id, last = '', ...rest] = path.split('/').slice(1).map(decodeURIComponent);
  if (api !== 'api' || rest.length > 0) return undefined;
  if (first === 'experiments' && id !== undefined) return answersOfExperiment.get(last)?.(library, id, query, by);
  return id === undefined ? answers.get(first)?.(library, query) : undefined;
}

function filterIn(query: URLSearchParams): RolloutFilter {
  const [task, verdict, reason, pattern] = ['task', 'verdict', 'reason', 'q'].map((name) => text(query, name));
  const [step, right] = [wholeNumber(query, 'step'), choice(query, 'right')];
  const [rewardMin, rewardMax] = [decimal(query, 'min'), decimal(query, 'max')];
  return {
    run: requiredText(query, 'run'),
    ...(step !== undefined && { step }),
    ...(task !== undefined && { task }),
    ...(verdict !== undefined && { verdict }),
    ...(reason !== undefined && { reason }),
    ...(pattern !== undefined && { text: pattern }),
    ...(right !== undefined && { right }),
    ...(rewardMin !== undefined && { rewardMin }),
    ...(rewardMax !== undefined && { rewardMax }),
  };
}
