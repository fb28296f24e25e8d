/** An external grader over HTTP. What it does not answer, or answers in another form, is GRADER_FAILED and retried: never a score. */
import { MtrlError } from '../core/errors.ts';
import type { GraderSpec } from '../recipes/reward-fields.ts';

/** One judgment, as the grader sees it. */
export interface GraderItem {
  readonly exampleId: string;
  readonly task: string;
  /** The example's fields, as the prompt shows them. */
  readonly fields: Readonly<Record<string, string>>;
  readonly label: string;
  readonly verdict: string;
  readonly rationale: string;
}

const itemCountPerRequest = 64;

function failed(url: string, found: string, cause?: unknown): MtrlError {
  return new MtrlError('GRADER_FAILED', 'the external grader gave no scores', {
    where: url,
    found: found.slice(0, 300),
    hint: 'it is asked again; it must answer {"scores": [...]}, a number from 0 to 1 for each judgment',
    ...(cause !== undefined && { cause }),
  });
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return error instanceof Error ? `${error.name}: ${error.message}${cause}` : String(error);
}

function scoresIn(text: string, count: number, url: string): number[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw failed(url, `no JSON: ${text}`, cause);
  }
  const scores = typeof answer === 'object' && answer !== null && 'scores' in answer ? answer.scores : undefined;
  if (!Array.isArray(scores)) throw failed(url, `no scores: ${text}`);
  if (scores.length !== count) throw failed(url, `${scores.length} scores for ${count} judgments`);
  return scores.map((score: unknown, i) => {
    if (typeof score === 'number' && score >= 0 && score <= 1) return score;
    throw failed(url, `scores[${i}] is ${JSON.stringify(score)}`);
  });
}

async function ask(items: readonly GraderItem[], { url, timeoutMs }: GraderSpec): Promise<number[]> {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ judgments: items }),
    signal: AbortSignal.timeout(timeoutMs),
  };
  try {
    const response = await fetch(url, request);
    const text = await response.text();
    if (!response.ok) throw failed(url, `status ${response.status}: ${text}`);
    return scoresIn(text, items.length, url);
  } catch (error) {
    throw error instanceof MtrlError ? error : failed(url, messageOf(error), error);
  }
}

/** A score in [0, 1] for each item, in order; requests of at most 64 items, one after the other. Throws GRADER_FAILED. */
export async function graderScores(items: readonly GraderItem[], spec: GraderSpec): Promise<number[]> {
  const scores: number[] = [];
  for (let from = 0; from < items.length; from += itemCountPerRequest) {
    scores.push(...(await ask(items.slice(from, from + itemCountPerRequest), spec)));
  }
  return scores;
}
