import { expect, test } from 'vitest';
import { type ChaosPlan, chaosPlan } from './chaos-plan.ts';
import { shrinkPlan } from './shrink-plan.ts';

const plan: ChaosPlan = { seed: 0, commands: [1, 2, 3, 4].flatMap((seed) => chaosPlan(seed, 300).commands) };

test('a plan is made as small as it goes while it fails', async () => {
  const needed = [plan.commands[3], plan.commands[7]];
  const fails = ({ commands }: ChaosPlan) => Promise.resolve(needed.every((each) => each && commands.includes(each)));
  expect((await shrinkPlan(plan, fails)).commands).toEqual(needed);
});

test('what was needed beside a command that is gone is removed too', async () => {
  const [first, second, third] = plan.commands;
  // The second is needed only as long as the third is there.
  const fails = ({ commands }: ChaosPlan) =>
    Promise.resolve(
      first !== undefined &&
        second !== undefined &&
        third !== undefined &&
        commands.includes(first) &&
        (commands.includes(second) || !commands.includes(third)),
    );
  expect((await shrinkPlan(plan, fails)).commands).toEqual([first]);
});
