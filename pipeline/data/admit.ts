/**
 * Encodes every prompt once before any is asked. An example whose prompt cannot be shown to the policy is quarantined
 * here with its reason, instead of failing in the middle of a run.
 */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import { canonicalJson } from '../../core/json.ts';
import { type ErrorCode, MtrlError } from '../../core/errors.ts';
import { excerptOf } from '../../judge/datasets/reading.ts';
import { askProbe, isRefusal } from '../../judge/evaluation/probes.ts';
import type { Example, QuarantinedRow, Split } from '../../judge/example.ts';
import { hasForcedChoice } from '../../judge/kinds/table.ts';
import { targetText } from '../../judge/tasks/completion.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { asksOf, type Ask } from './admission-asks.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { AdmitInput, AdmitResult } from '../../contract/admission.ts';
import { durable } from '../durable.ts';
import { type Caller, Waits, whileProgressing } from '../heartbeat.ts';
import type { JsonCache } from '../json-cache.ts';
import { JsonLines, storedRows } from './json-lines.ts';
import type { LoadedProcessor } from '../policies/processors.ts';
import type { PromptedDataset } from '../asking/prompts/prompter.ts';
import { promptingOf, recipeOf, taskOf } from '../recipe-access.ts';
import { endedBy } from '../training/sampling.ts';

/** Examples in memory at a time. */
const batchRowCount = 64;

/** Throws DATASET_EMPTY, DATASET_QUARANTINE_CEILING. */
export function createAdmit(context: ComputeContext) {
  const { cache, processors, prompter, deps } = context;
  return async (input: AdmitInput, caller: Caller): Promise<AdmitResult> => {
    const { dataset, asked } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const asks = asksOf(recipe, asked);
    const prompting = promptingOf(
      recipe,
      asks.map(({ task }) => task),
    );
    const loaded = await processors.of(input.policy.snapshot);
    const { quarantineRateMax, evaluation } = recipe;
    const { paraphrases, longerAnswer, seed } = evaluation;
    const config = {
      ...{ processor: loaded.digest, ...prompting, asks, probing: { paraphrases, longerAnswer, seed } },
      rateMax: asked.by === 'rows' ? 1 : quarantineRateMax,
      stopSequences: recipe.stopSequences ?? null,
    };
    const { outputs, summary, ...made } = await durable(deps, 'admit', { inputs: { dataset }, config }, () =>
      whileAdvancing(caller, async (advance) => {
        const prompted = await prompter.open(loaded, dataset, prompting);
        return new Admission(cache, recipe, loaded, prompted, advance).of(asks, config.rateMax);
      }),
    );
    return {
      ...{ ...made, ...summary, dataset: outputs['dataset'] ?? dataset },
      ...(outputs['quarantine'] && { quarantine: outputs['quarantine'] }),
    };
  };
}

/** Runs `body`, which calls `advance` for each checked example; `advance` throws once the work is stopped. */
async function whileAdvancing<T>(caller: Caller, body: (advance: () => void) => Promise<T>): Promise<T> {
  const waits = new Waits();
  let count = 0;
  let isStopped = false;
  const watched = {
    progress: () => count + waits.progress(),
    stop: () => {
      isStopped = true;
    },
  };
  return whileProgressing(caller, watched, () =>
    body(() => {
      if (isStopped) throw new Error('admission was stopped');
      count++;
    }),
  );
}

class Admission {
  readonly #cache: JsonCache;
  readonly #recipe: Recipe;
  readonly #processor: LoadedProcessor['processor'];
  readonly #prompted: PromptedDataset;
  readonly #advance: () => void;

  constructor(
    cache: JsonCache,
    recipe: Recipe,
    { processor }: LoadedProcessor,
    prompted: PromptedDataset,
    advance: () => void,
  ) {
    this.#cache = cache;
    this.#recipe = recipe;
    this.#processor = processor;
    this.#prompted = prompted;
    this.#advance = advance;
  }

  /** Returns no outputs if all examples can be shown: the given dataset then stays in use. */
  async of(asks: readonly Ask[], rateMax: number) {
    const table = new JsonLines();
    try {
      this.#checkSayable(asks);
      const rows: number[] = [];
      for (const { task, split, asks: ofPool } of byPool(asks))
        rows.push(...(await this.#refusedOf(task, split, ofPool, rateMax, table)));
      const { exampleCount, quarantinedCount } = this.#prompted.dataset.artifact;
      const summary = {
        exampleCount: exampleCount - rows.length,
        quarantinedCount: quarantinedCount + rows.length,
        inadmissibleCount: rows.length,
      };
      return { outputs: rows.length === 0 ? {} : await this.#without(rows, table), summary };
    } finally {
      await table.close();
    }
  }

  /**
   * Throws if a stop sequence, or a label whose probability is asked for, cannot be sampled: an error of the recipe,
   * not of a row.
   */
  #checkSayable(asks: readonly Ask[]): void {
    endedBy(this.#recipe, this.#prompted);
    for (const name of new Set(asks.filter(({ isForced }) => isForced).map(({ task }) => task))) {
      const task = taskOf(this.#recipe, name);
      const { labels, verdictFormat } = task;
      if (!hasForcedChoice(task)) continue;
      for (const label of labels) this.#prompted.completion(targetText({ id: label, label }, 'direct', verdictFormat));
    }
  }

  async #without(rows: readonly number[], table: JsonLines): Promise<Record<string, ArtifactRef>> {
    const { artifact } = this.#prompted.dataset;
    const { store } = this.#cache;
    const before = artifact.inadmissible === null ? [] : ((await this.#cache.get(artifact.inadmissible)) as number[]);
    const quarantine = await joinedTable(store, artifact.quarantine, table);
    const dataset = await this.#cache.put({
      ...artifact,
      inadmissible: await this.#cache.put([...before, ...rows].sort((a, b) => a - b)),
      quarantine,
      exampleCount: artifact.exampleCount - rows.length,
      quarantinedCount: artifact.quarantinedCount + rows.length,
    });
    return { dataset, quarantine };
  }

  async #refusedOf(
    task: string,
    split: Split,
    asks: readonly Ask[],
    rateMax: number,
    table: JsonLines,
  ): Promise<number[]> {
    const { dataset } = this.#prompted;
    const rows = await dataset.rowsOf(task, split);
    const refused: number[] = [];
    let first: QuarantinedRow | undefined;
    for (let from = 0; from < rows.length; from += batchRowCount) {
      const batch = rows.subarray(from, from + batchRowCount);
      const examples = await dataset.examplesAt(batch);
      for (const [i, example] of examples.entries()) {
        const problem = await this.#problemOf(example, examples, asks);
        this.#advance();
        if (problem === undefined) continue;
        const row = required(batch[i], 'a row');
        const rejected = quarantined(example, row, problem);
        first ??= rejected;
        refused.push(row);
        await table.add(rejected);
      }
    }
    if (first !== undefined) check({ task, split, rateMax, refused: refused.length, rowCount: rows.length, first });
    return refused;
  }

  async #problemOf(example: Example, pool: readonly Example[], asks: readonly Ask[]): Promise<Refused | undefined> {
    try {
      for (const ask of asks) await this.#look(example, pool, ask);
      return undefined;
    } catch (error) {
      const code = error instanceof MtrlError ? rowCodes.get(error.code) : undefined;
      if (code === undefined) throw error;
      return { code, reason: (error as MtrlError).message };
    }
  }

  /** Checks the stored order only: in its other order a pair has the same tokens, rearranged. */
  async #look(example: Example, pool: readonly Example[], { task, mode, completion, probes }: Ask): Promise<void> {
    const spec = taskOf(this.#recipe, task);
    const following = completion === 'target' ? this.#prompted.target(example, mode).length : completion;
    const shown = [{ example, spec, isBlank: false }];
    for (const probe of probes) {
      const settings = this.#recipe.evaluation;
      const probed = askProbe(probe, { task, spec, examples: [example], pool, settings });
      if (!isRefusal(probed)) shown.push(...probed);
    }
    for (const one of shown) {
      const { tokenIds } = await this.#prompted.encodeAsked(one, mode);
      const { positionCountMax } = this.#processor;
      if (tokenIds.length + following <= positionCountMax) continue;
      throw new MtrlError(
        'EXAMPLE_TOO_LONG',
        `a prompt of ${String(tokenIds.length)} tokens and an answer of ${String(following)} exceed the model's ${String(positionCountMax)} positions`,
      );
    }
  }
}

interface Refused {
  readonly code: QuarantinedRow['code'];
  readonly reason: string;
}

/** Errors caused by an example, not by the recipe, the policy or the machine. */
const rowCodes: ReadonlyMap<ErrorCode, QuarantinedRow['code']> = new Map([
  ['PROMPT_INVALID', 'PROMPT_INVALID'],
  ['IMAGE_UNREADABLE', 'IMAGE_UNREADABLE'],
  ['EXAMPLE_TOO_LONG', 'PROMPT_TOO_LONG'],
]);

function quarantined({ id, fields }: Example, row: number, { code, reason }: Refused): QuarantinedRow {
  return { source: id, row: row + 1, code, reason, excerpt: excerptOf(canonicalJson(fields)) };
}

function byPool(asks: readonly Ask[]) {
  const pools = new Map<string, { readonly task: string; readonly split: Split; readonly asks: Ask[] }>();
  for (const ask of asks) {
    const { task, split } = ask;
    const key = `${split} ${task}`;
    const pool = pools.get(key) ?? { task, split, asks: [] };
    pools.set(key, pool);
    pool.asks.push(ask);
  }
  return pools.values();
}

interface RefusedPool {
  readonly task: string;
  readonly split: Split;
  readonly rateMax: number;
  readonly refused: number;
  readonly rowCount: number;
  readonly first: QuarantinedRow;
}

function check({ task, split, rateMax, refused, rowCount, first }: RefusedPool): void {
  const where = `tasks.${task}, split ${split}`;
  const found = `${first.code}; the first: ${first.source}: ${first.reason}`;
  const hint =
    'shorten or correct the rows, set imageEdgeMax, lower tokenCountMax, or use a policy with more positions';
  const counts = `${String(refused)} of ${String(rowCount)} examples`;
  if (refused === rowCount)
    throw new MtrlError('DATASET_EMPTY', `none of ${String(rowCount)} examples can be shown to the policy`, {
      ...{ where, found, hint },
    });
  if (refused > rateMax * rowCount)
    throw new MtrlError('DATASET_QUARANTINE_CEILING', `${counts} cannot be shown to the policy`, {
      ...{ where, found },
      hint: `${hint}; or allow more with quarantineRateMax (now ${String(rateMax)})`,
    });
}

/** Stores the quarantine table of ingestion with these rows appended. */
async function joinedTable(
  store: JsonCache['store'],
  before: ArtifactRef | null,
  rows: JsonLines,
): Promise<ArtifactRef> {
  const joined = new JsonLines();
  try {
    if (before !== null) for await (const row of storedRows<QuarantinedRow>(store, before)) await joined.add(row);
    for await (const row of rows.rows<QuarantinedRow>()) await joined.add(row);
    return required(await joined.store(store), 'the quarantine table');
  } finally {
    await joined.close();
  }
}
