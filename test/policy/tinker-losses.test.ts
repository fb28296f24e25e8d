/**
 * Losses and gradients against values worked by hand. Four tokens with equal logits: each has log-prob log(1/4), and the
 * gradient of token 2's log-prob by the logits before it is (token is 2) - 1/4.
 */
import { describe, expect, it } from 'vitest';
import type { Loss, TrainCompletion } from '../../policy/engine.ts';
import type { TinkerSettings } from '../../policy/engines/tinker/settings.ts';
import { startTinkerServer, tinkerTokens, withTinkerEngine } from '../support/tinker-fixture.ts';

const even = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
const quarter = Math.log(1 / 4);
const ppo = { name: 'ppo', clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0 } as const;
const cispo = { ...ppo, clip: 'stop-gradient' } as Loss;
const gspo = { ...ppo, ratio: 'sequence-mean' } as Loss;
/** What one unit of -log p(2) adds to the row before it. */
const unit = [0.25, 0.25, -0.75, 0.25];

async function passed(loss: Loss, completions: readonly TrainCompletion[], overrides: Partial<TinkerSettings> = {}) {
  const server = await startTinkerServer({ logits: even, divides: overrides.reduction === 'sequence-mean' });
  try {
    return await withTinkerEngine(
      server,
      async ({ engine, initial }) => {
        await engine.loadState(initial);
        await engine.prepareTraining({
          lora: { rank: 2, alpha: 32, seed: 1, modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'] },
        });
        const groups = [{ prompt: { tokenIds: [3, 1], images: [] }, completions }];
        const result = await engine.forwardBackward({ groups, loss, temperature: 1, tokens: tinkerTokens });
        const counted = overrides.reduction === 'sequence-mean' ? completions.length : 1;
        const row = (token: number) => server.newest.gradientOf(token).map((value) => value / counted);
        return { ...result, rows: { one: row(1), two: row(2) }, problems: server.problems };
      },
      overrides,
    );
  } finally {
    await server.close();
  }
}

describe.each(['sum', 'sequence-mean'] as const)('with the reduction %s', (reduction) => {
  it.each([
    // -w log p; rows add w (p - onehot)
    ['cross_entropy', { name: 'cross_entropy' } as const, { tokenWeight: 0.5 }, 0.5 * -quarter, 0.5],
    // the ratio is 1: -w A; the gradient is that of -w A log p
    ['ppo, on policy', ppo, { tokenWeight: 0.5, advantage: 2, logProbs: [quarter] }, -1, 1],
    // the ratio 2 is clipped to 1.2: -w A 1.2, and no gradient
    ['ppo, clipped', ppo, { tokenWeight: 0.5, advantage: 2, logProbs: [Math.log(1 / 8)] }, -1.2, 0],
    // a negative advantage is not clipped above: -w A 2
    ['ppo, not clipped', ppo, { tokenWeight: 0.5, advantage: -2, logProbs: [Math.log(1 / 8)] }, 2, -2],
    // the constant 1.2 times -w A log p
    ['cispo', cispo, { tokenWeight: 0.5, advantage: 2, logProbs: [Math.log(1 / 8)] }, 1.2 * -quarter, 1.2],
  ] as const)('%s', async (_name, loss, values, wanted, slope) => {
    const { loss: found, rows, logProbs, problems } = await passed(loss, [{ tokenIds: [2], ...values }], { reduction });
    expect(found).toBeCloseTo(wanted, 6);
    expect(logProbs[0]?.[0]?.[0]).toBeCloseTo(quarter, 6);
    rows.one.forEach((value, token) => expect(value).toBeCloseTo(slope * (unit[token] ?? NaN), 6));
    expect(problems).toEqual([]);
  });

  it('weights tokens of long and short completions alike', async () => {
    const completions = [
      { tokenIds: [2, 2, 2], tokenWeight: 0.25 },
      { tokenIds: [2], tokenWeight: 0.25 },
    ];
    const { loss, rows } = await passed({ name: 'cross_entropy' }, completions, { reduction });
    expect(loss).toBeCloseTo(4 * 0.25 * -quarter, 6);
    // Two first tokens follow token 1, two further ones token 2.
    for (const row of [rows.one, rows.two])
      row.forEach((value, token) => expect(value).toBeCloseTo(0.5 * (unit[token] ?? NaN), 6));
  });
});

describe('a server without the wanted loss', () => {
  const onPolicy = { tokenIds: [2], tokenWeight: 1, advantage: 2, logProbs: [quarter] };

  it('computes ppo by importance sampling as long as no ratio is clipped', async () => {
    const losses = ['importance_sampling'] as const;
    const { loss, rows } = await passed(ppo, [onPolicy], { losses });
    expect(loss).toBeCloseTo(-2, 6);
    rows.one.forEach((value, token) => expect(value).toBeCloseTo(2 * (unit[token] ?? NaN), 6));
    const off = { ...onPolicy, logProbs: [Math.log(1 / 8)] };
    await expect(passed(ppo, [off], { losses })).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  });

  it.each([
    ['gspo', gspo, { losses: ['ppo'] }],
    ['a KL term in the loss', { ...ppo, klCoefficient: 0.1 }, {}],
  ] as const)('is refused: %s', async (found, loss, overrides) => {
    await expect(passed(loss, [onPolicy], overrides)).rejects.toMatchObject({
      code: 'RECIPE_INVALID',
      details: { found },
    });
  });
});
