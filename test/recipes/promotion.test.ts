import { describe, expect, it } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { gateOf } from '../../recipes/fields/promotion-fields.ts';
import { promoteRequest, requireRequest, rollbackRequest } from '../../recipes/promotion-requests.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

const tiny = tinyRecipe({ sftStepCount: 4, grpoStepCount: 4 });
const promoting = (promotion: object) => ({ ...tiny, promotion: { name: 'judge', arm: 'mt-rl', ...promotion } });
const withMinimum = (...minimums: object[]) => promoting({ gate: { minimums } });

function messageOf(act: () => unknown): string {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (error instanceof MtrlError) return `${error.message} ${error.details.found ?? ''}`;
    throw error;
  }
}

describe('promotion in a recipe', () => {
  it('has a default gate, as does a recipe without promotion', () => {
    const standard = { minimums: [], regressionMax: 0.02, unparsableRateMax: 0.05 };
    expect(parseRecipe(promoting({})).promotion).toMatchObject({
      ...{ startFrom: 'promoted', gate: standard, approval: { required: false, timeoutMs: 86_400_000 } },
      notify: { webhooks: [], commands: [] },
    });
    expect(gateOf(parseRecipe(tiny))).toEqual(standard);
  });

  it('may ask for agreement beyond chance', () => {
    for (const metric of ['cohenKappa', 'krippendorffAlpha'])
      expect(messageOf(() => parseRecipe(withMinimum({ task: 'safety', metric, atLeast: 0.5 })))).toBe('accepted');
  });

  it.each<[string, unknown, string]>([
    [
      'an arm that is not there',
      promoting({ arm: 'mt-lr' }),
      'promotion.arm: found "mt-lr", which is not a known arm; allowed: mt-rl',
    ],
    [
      'a task that is not there',
      withMinimum({ task: 'safty', atLeast: 0.5 }),
      'promotion.gate.minimums.0.task: found "safty", which is not a known evaluated task; allowed: safety',
    ],
    [
      'a task that is not evaluated',
      { ...withMinimum({ task: 'safety', atLeast: 0.5 }), evaluation: { ...tiny.evaluation, tasks: ['technical'] } },
      'promotion.gate.minimums.0.task: found "safety", which is not a known evaluated task; allowed: technical',
    ],
    [
      'a metric of pairs for a single picture',
      withMinimum({ task: 'safety', metric: 'consistencyRate', atLeast: 0.5 }),
      'promotion.gate.minimums.0.metric: found "consistencyRate"; allowed: macroF1, accuracy, balancedAccuracy',
    ],
    [
      'a metric that is not there',
      withMinimum({ task: 'safety', metric: 'macroF2', atLeast: 0.5 }),
      'promotion.gate.minimums.0.metric: found "macroF2"; allowed: macroF1',
    ],
    ['a minimum above 1', withMinimum({ task: 'safety', atLeast: 80 }), 'promotion.gate.minimums.0.atLeast'],
    [
      'the same minimum twice',
      withMinimum({ task: 'safety', atLeast: 0.5 }, { task: 'safety', atLeast: 0.6 }),
      'promotion.gate.minimums.1.task: found macroF1 of safety twice',
    ],
    [
      'a webhook that is no web address',
      promoting({ notify: { webhooks: [{ url: 'ftp://a/b' }] } }),
      'promotion.notify.webhooks.0.url',
    ],
    ['an empty command', promoting({ notify: { commands: [[]] } }), 'promotion.notify.commands.0'],
    ['a name that no key can hold', promoting({ name: 'Judge/1' }), 'promotion.name'],
  ])('is refused with %s, with its path and what is allowed', (_, recipe, says) => {
    expect(messageOf(() => parseRecipe(recipe))).toContain(says);
  });
});

describe('input from the Temporal CLI', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'the request'],
    ['no experiment', { name: 'judge' }, 'experimentId'],
    ['a wrong field', { experimentId: 'a', arms: 'rl' }, 'arms'],
    ['an empty reason to force it', { experimentId: 'a', forceReason: '' }, 'forceReason'],
  ])('is refused as a promotion with %s', (_, value, says) => {
    expect(messageOf(() => requireRequest(promoteRequest, value))).toContain(says);
  });

  it('is refused as a rollback without a requester', () => {
    expect(messageOf(() => requireRequest(rollbackRequest, { name: 'judge', revision: 1 }))).toContain('by');
    expect(messageOf(() => requireRequest(rollbackRequest, { name: 'judge', revision: 1, by: 'me' }))).toBe('accepted');
  });
});
