/** `like`: an arm that is another one but for the fields that it sets itself. */
import type { RecipeProblem } from '../checks/problem.ts';
import { valueText } from '../checks/problem.ts';
import { unknownName } from '../checks/unknown-name.ts';
import { type Fields, isFields, mergePatch } from './merge-patch.ts';

/** The arms in full, in their order. An arm whose `like` leads nowhere is left as it is and reported. */
export function withoutLike(arms: Fields, problems: RecipeProblem[]): Fields {
  const whole = new Map<string, unknown>();
  const wholeArm = (name: string, chain: readonly string[]): unknown => {
    const arm = arms[name];
    if (whole.has(name) || !isFields(arm) || arm['like'] === undefined) return whole.get(name) ?? arm;
    const { like, ...own } = arm;
    const wrong = likeProblems(name, like, arms, chain);
    problems.push(...wrong);
    const found =
      wrong.length > 0 || typeof like !== 'string' ? own : mergePatch(wholeArm(like, [...chain, name]), own);
    whole.set(name, found);
    return found;
  };
  return Object.fromEntries(Object.keys(arms).map((name) => [name, wholeArm(name, [])]));
}

function likeProblems(name: string, like: unknown, arms: Fields, chain: readonly string[]): RecipeProblem[] {
  const path = ['arms', name, 'like'];
  if (typeof like !== 'string') return [{ path, found: valueText(like), allowed: 'the name of an arm' }];
  const unknown = unknownName(path, like, Object.keys(arms), 'arm');
  if (unknown.length > 0) return unknown;
  if (like !== name && !chain.includes(like)) return [];
  const circle = [...chain, name, like].slice([...chain, name].indexOf(like));
  return [{ path, found: `a circle: ${circle.join(' -> ')}`, allowed: 'an arm that is written in full' }];
}
