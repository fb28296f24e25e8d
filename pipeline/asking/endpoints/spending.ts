/** Counts what the answers of an endpoint cost, against the recipe's ceiling. */
import { MtrlError } from '../../../core/errors.ts';
import { costOf, type EndpointUsage, plusUsage } from '../../../judge/evaluation/endpoint-usage.ts';
import type { EndpointAnswer } from '../../../policy/engines/endpoint.ts';
import type { EndpointSpec } from '../../../recipes/fields/endpoint-fields.ts';

export const noUsage: EndpointUsage = { answerCount: 0, promptTokenCount: 0, completionTokenCount: 0 };

export class Spending {
  readonly #spec: Pick<EndpointSpec, 'cost' | 'endpoint'>;
  readonly #where: string;
  readonly #before: EndpointUsage;
  #usage = noUsage;

  /**
   * @param before what the arm's evaluations of other tasks used
   * @param where the arm's place in the recipe
   */
  constructor(spec: Pick<EndpointSpec, 'cost' | 'endpoint'>, before: EndpointUsage, where: string) {
    this.#spec = spec;
    this.#before = before;
    this.#where = where;
  }

  /** Of this evaluation. */
  get usage(): EndpointUsage {
    return this.#usage;
  }

  /** Throws ENDPOINT_COST_CEILING if no further request may be sent. */
  requireLeft(): void {
    const { cost } = this.#spec;
    if (cost?.costMax === undefined) return;
    const whole = plusUsage(this.#before, this.#usage);
    const spent = costOf(whole, cost);
    if (spent < cost.costMax) return;
    const { answerCount, promptTokenCount, completionTokenCount } = whole;
    throw new MtrlError('ENDPOINT_COST_CEILING', "the arm's answers cost as much as the recipe allows", {
      where: `${this.#where}.cost.costMax`,
      found: `${spent.toFixed(4)} spent on ${String(answerCount)} answers (${String(promptTokenCount)} tokens of prompts, ${String(completionTokenCount)} of answers), allowed ${String(cost.costMax)}`,
      hint: 'raise it and start the experiment again: these answers are kept and not paid for twice; or ask less with evaluation.exampleCountMax',
    });
  }

  /** Throws ENDPOINT_ANSWER_INVALID if there is a ceiling, and the endpoint does not say what the answer cost. */
  add({ usage, refusal }: EndpointAnswer): void {
    const { cost, endpoint } = this.#spec;
    if (usage === undefined && refusal === undefined && cost?.costMax !== undefined) {
      throw new MtrlError('ENDPOINT_ANSWER_INVALID', 'the endpoint does not say how many tokens an answer took', {
        ...{ where: endpoint, found: 'no usage.prompt_tokens and usage.completion_tokens' },
        hint: `remove ${this.#where}.cost.costMax: without these counts it cannot be kept`,
      });
    }
    const { promptTokenCount = 0, completionTokenCount = 0 } = usage ?? {};
    this.#usage = plusUsage(this.#usage, { answerCount: 1, promptTokenCount, completionTokenCount });
  }
}
